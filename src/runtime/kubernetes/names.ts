/** Labels and annotations of pods that are injected, and what else is read by name. */

export const PREFIX = 'outrider.dev/';

export const LABELS = {
  /** "true": asks the injector for the sidecar; "false": wants none, whatever the namespace says. */
  inject: `${PREFIX}inject`,
  /** On every pod that was injected, by the command or the webhook. */
  injected: `${PREFIX}injected`,
  /** On a ConfigMap: "true": its routes are checked before a change is accepted. */
  routes: `${PREFIX}routes`,
} as const;

/** What was put in, as JSON: for `uninject`, and to know it again. */
export const STATUS_ANNOTATION = `${PREFIX}status`;

/** `kubectl logs` and `exec` without -c. */
export const DEFAULT_CONTAINER_ANNOTATION = 'kubectl.kubernetes.io/default-container';

/** Static pods, which no webhook can change. */
export const MIRROR_ANNOTATION = 'kubernetes.io/config.mirror';

export const UNPRIVILEGED_PORT_SYSCTL = 'net.ipv4.ip_unprivileged_port_start';
