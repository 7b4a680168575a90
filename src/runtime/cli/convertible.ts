/** Systems whose configuration can be converted. */
export const CONVERTIBLE = ['dispatcher', 'interceptor', 'proxy', 'data-saver', 'event-processor'] as const;
