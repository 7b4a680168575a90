/** What may be said about an injection, once it is read. */
import { SIDECAR, type SpoolVolume } from './sidecar.ts';

export type EnvMode = 'none' | 'http-proxy' | 'base-url';

export interface InjectSettings {
  config: string[];
  native: boolean;
  port: number;
  metricsPort: number;
  adminPort: number;
  inboundPort: number | null;
  appPort: number | null;
  intercept: string[];
  envMode: EnvMode;
  /** Whose environment `envMode` is for; empty: every container of the application. */
  containers: string[];
  logLevel: string;
  spool: SpoolVolume;
  cpuRequest: string;
  cpuLimit: string;
  memoryRequest: string;
  memoryLimit: string;
  runAsUser: number | null;
  secret: string;
  extraEnv: Record<string, string>;
  scrape: boolean;
}

/** Of a spool on a volume that goes with the pod, where none is said. */
export const QUOTA = '256Mi';

export function defaultSettings(): InjectSettings {
  const { ports } = SIDECAR;
  return {
    config: [],
    native: true,
    port: ports.ambassador,
    metricsPort: ports.metrics,
    adminPort: ports.admin,
    inboundPort: null,
    appPort: null,
    intercept: [],
    envMode: 'none',
    containers: [],
    logLevel: 'info',
    spool: { kind: 'emptyDir', size: QUOTA },
    cpuRequest: '',
    cpuLimit: '',
    memoryRequest: '',
    memoryLimit: '',
    runAsUser: SIDECAR.securityContext.runAsUser,
    secret: '',
    extraEnv: {},
    scrape: false,
  };
}
