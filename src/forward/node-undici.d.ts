/** undici's parts by their files: its index also loads fetch, WebSocket and caches, 6 MiB that nothing here uses. */
declare module 'undici/lib/dispatcher/client.js' {
  import { Client } from 'undici';
  export default Client;
}

declare module 'undici/lib/core/connect.js' {
  import { buildConnector } from 'undici';
  export default buildConnector;
}
