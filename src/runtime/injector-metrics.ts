/** What Prometheus is told by the injector. */
import { X509Certificate } from 'node:crypto';
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { Verdict } from './kubernetes/admission.ts';
import type { KeyPair } from './kubernetes/certificate.ts';

export interface InjectorMetrics {
  pod(verdict: Verdict): void;
  routes(verdict: Verdict): void;
  certificate(leaf: KeyPair): void;
  exposition(): Promise<string>;
}

export function createInjectorMetrics(): InjectorMetrics {
  const registry = new Registry();
  const registers = [registry];
  const injections = new Counter({
    name: 'outrider_injections_total',
    help: 'Pods that were seen: injected, completed, unchanged, left, skipped or denied.',
    labelNames: ['result', 'reason'],
    registers,
  });
  const validations = new Counter({
    name: 'outrider_routes_validations_total',
    help: 'ConfigMaps with routes that were seen: accepted or denied.',
    labelNames: ['result'],
    registers,
  });
  const expiry = new Gauge({
    name: 'outrider_tls_certificate_expiry_timestamp_seconds',
    help: "When the webhook's certificate expires.",
    labelNames: ['target'],
    registers,
  });
  injections.inc({ result: 'injected', reason: 'none' }, 0);
  injections.inc({ result: 'denied', reason: 'refused' }, 0);
  for (const result of ['accepted', 'denied']) validations.inc({ result }, 0);
  collectDefaultMetrics({ register: registry });
  return {
    pod: ({ result, reason }) => injections.inc({ result, reason }),
    routes: ({ result }) => validations.inc({ result }),
    certificate: ({ cert }) =>
      expiry.set({ target: 'injector' }, new X509Certificate(cert).validToDate.getTime() / 1000),
    exposition: () => registry.metrics(),
  };
}
