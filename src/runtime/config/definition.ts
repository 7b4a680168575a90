/**
 * The whole configuration: the one definition that the loader, the JSON Schema and the documentation come from.
 * A folder's two files are read as one document; which key belongs to which file is in `fileOfKey`.
 */
import * as z from 'zod';
import { processShape } from './definition-process.ts';
import { routesShape } from './definition-routes.ts';

export const processFileName = 'outrider.yaml';
export const routesFileName = 'routes.yaml';

export const processDefinition = z.strictObject(processShape);
export const routesDefinition = z.strictObject(routesShape);
export const definition = z.strictObject({ ...processShape, ...routesShape });

/** Validated, with every default filled in; not yet in the shape of settings.ts. */
export type Configuration = z.output<typeof definition>;

/** `outrider.yaml` or `routes.yaml`; undefined for a key that there is not. */
export function fileOfKey(key: string): string | undefined {
  if (Object.hasOwn(processShape, key)) return processFileName;
  return Object.hasOwn(routesShape, key) ? routesFileName : undefined;
}
