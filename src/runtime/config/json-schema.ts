/** JSON Schemas (draft 2020-12) of the two files, from the definition: for editors and for the Helm chart. */
import * as z from 'zod';
import { processDefinition, processFileName, routesDefinition, routesFileName } from './definition.ts';
import { laterMark } from './field.ts';

export type JsonSchema = z.core.JSONSchema.JSONSchema;

export interface SchemaFile {
  /** In the folder `schema/`. */
  readonly file: string;
  readonly schema: JsonSchema;
}

const base = 'https://outrider.dev/schema/v1';

/** What a person writes: units as texts, defaults as they would be written. */
export function jsonSchemas(): SchemaFile[] {
  return [
    schemaFile(processFileName, processDefinition, 'Outrider: the process'),
    schemaFile(routesFileName, routesDefinition, 'Outrider: targets and rules'),
  ];
}

function schemaFile(yamlFile: string, definition: z.ZodType, title: string): SchemaFile {
  const file = yamlFile.replace('.yaml', '.schema.json');
  const schema = z.toJSONSchema(definition, { io: 'input', unrepresentable: 'any', override: sayLater });
  return { file, schema: { $id: `${base}/${file}`, title, ...schema } };
}

/** An editor shows the description: there it must stand. */
function sayLater({ jsonSchema }: { jsonSchema: JsonSchema }): void {
  if (jsonSchema[laterMark] !== true) return;
  delete jsonSchema[laterMark];
  jsonSchema.description = `${jsonSchema.description ?? ''} Not in this version.`.trim();
}
