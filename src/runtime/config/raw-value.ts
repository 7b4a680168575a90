/** Reading a document that may have any shape. */
export type RawPath = readonly (string | number)[];

export interface RawItem {
  readonly path: RawPath;
  readonly value: unknown;
}

export interface RawEntry extends RawItem {
  readonly key: string;
}

export type RawMapping = Readonly<Record<string, unknown>>;

export function isMapping(value: unknown): value is RawMapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** undefined where the path leads nowhere. Own keys only. */
export function valueAt(document: unknown, path: RawPath): unknown {
  let value = document;
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = Reflect.get(value, key);
  }
  return value;
}

export function asText(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

/** The items of the list at the path, with their own paths; none where there is no list. */
export function itemsOf(document: unknown, path: RawPath): RawItem[] {
  const value = valueAt(document, path);
  return Array.isArray(value) ? value.map((item: unknown, index) => ({ path: [...path, index], value: item })) : [];
}

/** The entries of the mapping at the path, with their own paths; none where there is no mapping. */
export function entriesOf(document: unknown, path: RawPath): RawEntry[] {
  const value = valueAt(document, path);
  if (!isMapping(value)) return [];
  return Object.entries(value).map(([key, item]) => ({ key, path: [...path, key], value: item }));
}
