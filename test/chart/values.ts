/** Values that tests begin with, and the configuration that comes out of them. */
import { at, type Manifest, only } from '../helpers/helm.ts';

export const ROUTES = 'targets:\n  prod: http://enricher.prod.svc:8080\ndefault: prod\n';

/** The smallest gateway. */
export const GATEWAY = { mode: 'gateway', routes: { content: ROUTES } };

export interface AppContainer {
  readonly name: string;
  readonly image: string;
  readonly [field: string]: unknown;
}

/** The smallest workload: a container on port 8080. */
export function workload(fields: object = {}, spec: object = {}): object {
  const containers = [{ name: 'legacy', image: 'legacy:1.0', ports: [{ containerPort: 8080 }] }];
  return {
    mode: 'workload',
    routes: { content: ROUTES },
    workload: { template: { spec: { containers, ...spec } } },
    ...fields,
  };
}

/** The text of a file of a ConfigMap. */
export function fileOf(manifests: readonly Manifest[], name: string, file: string): string {
  return String(at(only(manifests, 'ConfigMap', name), 'data', file));
}
