/** Writes what is generated from the configuration's definition: `schema/*.json` and the tables of docs/configuration.md. */
import { readFileSync, writeFileSync } from 'node:fs';
import { jsonSchemas } from '../src/runtime/config/json-schema.ts';
import { withTables } from './schema-docs.ts';

const root = new URL('../', import.meta.url);

for (const { file, schema } of jsonSchemas()) {
  writeFileSync(new URL(`schema/${file}`, root), `${JSON.stringify(schema, null, 2)}\n`);
}
const docs = new URL('docs/configuration.md', root);
writeFileSync(docs, withTables(readFileSync(docs, 'utf8')));
