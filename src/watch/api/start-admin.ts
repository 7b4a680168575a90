import { type Listening, listenHttp } from '../node-listen.ts';
import { type AdminOptions, createAdminApp } from './admin.ts';

/** Serves the admin API on `admin.address`; rejects with ListenError, which names port and key: the caller goes on. */
export function startAdmin(options: AdminOptions): Promise<Listening> {
  return listenHttp(createAdminApp(options), options.address, 'admin.address');
}
