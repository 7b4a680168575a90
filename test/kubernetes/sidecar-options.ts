import type { SidecarOptions } from '../../src/runtime/kubernetes/sidecar.ts';

/** The defaults, and what a test is about. */
export function sidecarOptions(options: Partial<SidecarOptions> = {}): SidecarOptions {
  return {
    image: 'outrider:0.1.0',
    pullPolicy: 'IfNotPresent',
    native: true,
    configMaps: ['acme'],
    ports: { ambassador: 5000, metrics: 5090, admin: 5091 },
    inbound: null,
    spool: { kind: 'emptyDir', size: '256Mi' },
    resources: null,
    guaranteed: false,
    runAsUser: 10001,
    secret: '',
    hideToken: true,
    extraEnv: {},
    ...options,
  };
}
