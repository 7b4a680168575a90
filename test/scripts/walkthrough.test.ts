/** The walkthrough as far as it can be checked without a cluster: its steps, its values and its manifests. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  CLEAN_UP,
  CLUSTERS,
  readSteps,
  StepOutput,
  type StepResult,
  scriptOf,
} from '../../scripts/walkthrough/steps.ts';
import { projectRoot } from '../helpers/demo.ts';
import { at, describeWithHelm, listAt, only, parseManifests, parseYaml, render } from '../helpers/helm.ts';

const folder = join(projectRoot, 'example/walkthrough');
const readme = readFileSync(join(folder, 'README.md'), 'utf8');
const read = (name: string): string => readFileSync(join(folder, name), 'utf8');
const manifests = readdirSync(folder).filter((name) => name.endsWith('.yaml') && name !== 'values.yaml');

/** What the shell of these steps makes of them, as the script sees it. */
function run(markdown: string): { results: StepResult[]; output: StepOutput } {
  const steps = readSteps(markdown, { cluster: 'kind', images: true });
  const results: StepResult[] = [];
  const output = new StepOutput(steps, (result) => results.push(result));
  output.push(runToEnd(scriptOf(steps)));
  return { results, output };
}

/** What it printed, also when it fails. */
function runToEnd(script: string): string {
  return spawnSync('bash', ['--norc', '-c', script], { encoding: 'utf8' }).stdout;
}

describe('the steps of the README', () => {
  test.each(CLUSTERS)('on %s differ only in how an image is loaded', (cluster) => {
    const steps = readSteps(readme, { cluster, images: true });
    const others = readSteps(readme, { cluster: '', images: true });
    expect(steps).toHaveLength(others.length + 1);
    expect(steps.filter(({ line }) => !others.some((other) => other.line === line))[0]?.section).toBe('Images');
    expect(steps.at(-1)?.section).toBe(CLEAN_UP);
  });

  test('without images are the same from the second section on', () => {
    const all = readSteps(readme, { cluster: 'kind', images: true });
    const rest = readSteps(readme, { cluster: 'kind', images: false });
    expect(rest).toEqual(all.filter(({ section }) => section !== 'Images'));
    expect(rest.length).toBeGreaterThan(8);
  });

  test('are commands that bash can read', () => {
    const script = scriptOf(readSteps(readme, { cluster: 'kind', images: true }));
    expect(execFileSync('bash', ['-n', '-c', script], { encoding: 'utf8' })).toBe('');
  });

  test('name files and npm scripts that are there', () => {
    const text = readSteps(readme, { cluster: 'kind', images: true })
      .map(({ command }) => command)
      .join('\n');
    const files = [...text.matchAll(/example\/walkthrough\/\S+/g)].map(([path]) => path);
    expect(files.length).toBeGreaterThan(3);
    expect(files.filter((path) => !existsSync(join(projectRoot, path)))).toEqual([]);
    const { scripts } = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8'));
    const named = [...text.matchAll(/npm run --silent (\S+)/g)].map(([, name = '']) => name);
    expect(named.filter((name) => scripts[name] === undefined)).toEqual([]);
  });
});

describe('the script that runs them', () => {
  test('keeps one shell, and finds what a step did not print', () => {
    const { results, output } = run(
      '## 1. A\n```sh\nx=1\n```\n## 2. B\n```sh\necho "x is $x"\n```\n```text\nx is 2\n```\n',
    );
    expect(results.map(({ step, missing }) => [step.section, missing])).toEqual([
      ['A', []],
      ['B', ['x is 2']],
    ]);
    expect(output.current).toBeUndefined();
  });

  test('stops at the step that fails, with what it printed', () => {
    const { results, output } = run('```sh\ntrue\n```\n```sh\necho why >&2\nfalse\necho more\n```\n```sh\ntrue\n```\n');
    expect(results).toHaveLength(1);
    expect(output.current?.line).toBe(4);
    expect(output.printed).toBe('why');
  });
});

test.each(manifests)('%s has objects of Kubernetes', (name) => {
  expect(parseManifests(read(name)).length).toBeGreaterThan(0);
});

test('dev, qa and prod are three Deployments of one image', () => {
  const targets = parseManifests(read('targets.yaml')).filter(({ kind }) => kind === 'Deployment');
  expect(targets.map(({ metadata }) => metadata.name)).toEqual(['dev', 'qa', 'prod']);
  const images = targets.map((one) => at(one, 'spec', 'template', 'spec', 'containers', 0, 'image'));
  expect(new Set(images).size).toBe(1);
});

describeWithHelm("the walkthrough's values", () => {
  test('put Outrider beside acme-enricher, whose nginx sends to it', async () => {
    const rendered = await render({}, { files: [join(folder, 'values.yaml')], namespace: 'walkthrough' });
    const pod = at(only(rendered, 'Deployment', 'acme-enricher'), 'spec', 'template', 'spec');
    expect(at(pod, 'initContainers', 0, 'image')).toBe('outrider:walkthrough');
    expect(listAt(pod, 'containers').map((container) => at(container, 'name'))).toEqual(['acme-enricher']);
    expect(read('legacy.yaml')).toContain('proxy_pass http://localhost:5000;');
  });

  test('route to the targets that are there', async () => {
    const routes = parseYaml(at(parseYaml(read('values.yaml')), 'routes', 'content'));
    const services = parseManifests(read('targets.yaml')).filter(({ kind }) => kind === 'Service');
    const urls = services.map(({ metadata }) => [metadata.name, `http://${metadata.name}`]);
    expect(at(routes, 'targets')).toEqual(Object.fromEntries(urls));
  });
});
