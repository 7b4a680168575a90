/** Manifests for tests, and the command line on them. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { runCli } from '../../src/runtime/cli/cli.ts';
import { temporaryFolder } from '../helpers/cleanup.ts';
import { memoryContext } from '../helpers/cli.ts';

/** As a person writes it: comments, an octal mode, flow mappings, a word that YAML 1.1 reads as false. */
export const DEPLOYMENT = `# Acme's own
apiVersion: apps/v1
kind: Deployment
metadata:
  name: acme # the name
  labels: {app: acme}
spec:
  selector: {matchLabels: {app: acme}}
  template:
    metadata:
      labels: {app: acme}
    spec:
      containers:
        # frozen since 2009
        - name: app
          image: "nginx:1.22" # never changes
          env:
            - name: COUNTRY
              value: "no"
          ports: [{containerPort: 8080}]
        - name: helper
          image: nginx:1.22
      volumes:
        - name: legacy
          secret: {secretName: legacy, defaultMode: 0644}
---
apiVersion: v1
kind: Service
metadata:
  name: acme
spec: {ports: [{port: 80}]}
`;

export interface Run {
  readonly code: number;
  readonly text: string;
  readonly errors: readonly string[];
}

/** `outrider COMMAND FLAGS FILE` with this text in the file. */
export async function run(command: string, text: string, ...flags: string[]): Promise<Run> {
  const path = join(temporaryFolder(), 'manifest.yaml');
  writeFileSync(path, text);
  const context = memoryContext();
  const code = await runCli([command, ...flags, path], context);
  return { code, text: context.lines.join('\n'), errors: context.errors };
}

/** The manifests injected, where nothing may go wrong. */
export async function injected(text: string, ...flags: string[]): Promise<string> {
  const result = await run('inject', text, '--config-map', 'acme', ...flags);
  expect(result).toMatchObject({ code: 0, errors: expect.not.arrayContaining([expect.stringContaining('refused')]) });
  return `${result.text}\n`;
}

/** The documents of a text, as kubectl reads them. */
export function objects(text: string): unknown[] {
  return parseAllDocuments(text, { version: '1.1' }).map((document): unknown => document.toJS());
}
