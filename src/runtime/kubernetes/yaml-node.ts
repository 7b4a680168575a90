/** Values as nodes of a YAML text whose every scalar is a text: quoted where a reader would make something else of it. */
import { type Node, Pair, parse, Scalar, YAMLMap, YAMLSeq } from 'yaml';
import { isMapping } from '../config/raw-value.ts';

export function createYamlNode(value: unknown): Node {
  if (Array.isArray(value)) {
    const list = new YAMLSeq();
    list.items = value.map(createYamlNode);
    list.flow = value.length === 0;
    return list;
  }
  if (isMapping(value)) {
    const mapping = new YAMLMap();
    for (const [key, item] of Object.entries(value)) {
      mapping.items.push(new Pair(createYamlNode(key), createYamlNode(item)));
    }
    mapping.flow = mapping.items.length === 0;
    return mapping;
  }
  const scalar = new Scalar(String(value));
  scalar.type = typeof value === 'string' ? styleFor(value) : Scalar.PLAIN;
  return scalar;
}

/** kubectl reads YAML 1.1, where `no` and `0644` are no texts. */
function styleFor(text: string): Scalar.Type {
  if (text.includes('\n')) return Scalar.BLOCK_LITERAL;
  if (isPlain(text)) return Scalar.PLAIN;
  return text.includes('"') && !text.includes("'") ? Scalar.QUOTE_SINGLE : Scalar.QUOTE_DOUBLE;
}

function isPlain(text: string): boolean {
  if (!/^[\w/.:[\]' ,{}"|-]+$/.test(text) || /: | #|^[^\w/]/.test(text)) return false;
  try {
    return parse(text, { version: '1.1', logLevel: 'silent' }) === text;
  } catch (error) {
    if (error instanceof Error) return false;
    throw error;
  }
}
