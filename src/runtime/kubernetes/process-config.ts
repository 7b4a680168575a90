/** outrider.yaml for a pod whose ConfigMap has none: what the settings of its injection stand for. */
import type { InjectSettings } from './inject-settings.ts';
import { SIDECAR } from './sidecar.ts';

/** Text of an annotation that the config volume shows as a file; people read it in `kubectl describe`. */
export function processConfig(settings: InjectSettings): string {
  const { port, metricsPort, adminPort, inboundPort, appPort, intercept, spool, native, logLevel } = settings;
  const listeners = [`{name: ambassador, address: "localhost:${port}"}`];
  if (inboundPort !== null && appPort !== null) {
    // `auth: none`: whoever reaches it reached the application itself before.
    const target = `"http://localhost:${appPort}"`;
    listeners.push(`{name: inbound, address: "*:${inboundPort}", auth: none, target: ${target}}`);
  }
  if (intercept.length > 0) listeners.push('{name: intercept, address: "localhost:80"}');
  return [
    'apiVersion: outrider.dev/v1',
    'listeners:',
    ...listeners.map((listener) => `  - ${listener}`),
    ...(intercept.length === 0 ? [] : [`intercept: {hosts: [${intercept.join(', ')}]}`]),
    `metrics: {address: "*:${metricsPort}"}`,
    `admin: {address: "localhost:${adminPort}"}`,
    `shutdown: {mode: ${native ? 'native' : 'drain'}}`,
    spool.kind === 'none' ? 'spool: {enabled: false}' : `spool: {path: ${SIDECAR.spoolFolder}, size: ${spool.size}}`,
    `log: {level: ${logLevel}}`,
    '',
  ].join('\n');
}
