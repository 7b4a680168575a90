/** Writes what is generated from chart/values.yaml: chart/values.schema.json and the table in chart/README.md. */
import { readFileSync, writeFileSync } from 'node:fs';
import { schemaOf, withValuesTable } from './chart-values.ts';

const chart = new URL('../chart/', import.meta.url);
const values = readFileSync(new URL('values.yaml', chart), 'utf8');
const readme = new URL('README.md', chart);

writeFileSync(new URL('values.schema.json', chart), `${JSON.stringify(schemaOf(values), null, 2)}\n`);
writeFileSync(readme, withValuesTable(readFileSync(readme, 'utf8'), values));
