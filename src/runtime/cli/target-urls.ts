import type { TargetSettings } from '../../settings.ts';

/** The URLs that one of which would be asked: a target's, each with its path prefix before what is sent. */
export function urlsFor(target: TargetSettings, uri: string): string[] {
  return target.urls.map(({ url }) => `${url.replace(/\/+$/, '')}${uri}`);
}
