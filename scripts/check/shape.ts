/** The size of files and functions, and the ways around the type checker that stay closed. */
import { type Finding, isRecord, type Node, type SourceFile } from './source.ts';

const MAX_FILE_LINES = 300;
const MAX_FUNCTION_LINES = 50;

const FUNCTIONS = [
  'FunctionDeclaration',
  'FunctionExpression',
  'ArrowFunctionExpression',
  'ClassMethod',
  'PrivateMethod',
  'Constructor',
  'MethodProperty',
  'GetterProperty',
  'SetterProperty',
];

/** Comments that silence a tool; put together so that this file passes its own rule. */
const SILENCERS = ['ts-ignore', 'ts-expect-error', 'ts-nocheck'].map((word) => `@${word}`).concat(`biome${'-ignore'}`);

/** Files over 300 lines and functions over 50. */
export function checkSizes(file: SourceFile): Finding[] {
  return [...findLongFile(file), ...findLongFunctions(file)];
}

/** `any`, casts through `unknown`, non-null `!` and comments that silence the compiler or the linter. */
export function checkEscapes(file: SourceFile): Finding[] {
  return [...findSilencers(file), ...file.nodes.flatMap((node) => findEscape(file.path, node))];
}

function findLongFile({ path, text }: SourceFile): Finding[] {
  const lines = text.trimEnd().split('\n').length;
  if (lines <= MAX_FILE_LINES) return [];
  return [
    { path, line: lines, message: `${lines} lines; a file has at most ${MAX_FILE_LINES}: split it by what it exports` },
  ];
}

function findLongFunctions({ path, nodes }: SourceFile): Finding[] {
  return nodes
    .filter(({ type, line, endLine }) => FUNCTIONS.includes(type) && endLine - line + 1 > MAX_FUNCTION_LINES)
    .map(({ line, endLine }) => ({
      path,
      line,
      message: `a function of ${endLine - line + 1} lines; at most ${MAX_FUNCTION_LINES}: name its parts`,
    }));
}

function findSilencers({ path, text }: SourceFile): Finding[] {
  return text.split('\n').flatMap((content, index) =>
    SILENCERS.filter((word) => content.includes(word)).map((word) => ({
      path,
      line: index + 1,
      message: `"${word}": mend the cause`,
    })),
  );
}

function findEscape(path: string, { type, line, fields }: Node): Finding[] {
  const found = (message: string) => [{ path, line, message }];
  if (type === 'TsKeywordType' && fields.kind === 'any') return found('"any": say the type, or unknown and a check');
  if (type === 'TsNonNullExpression') return found('"!": check for it, or make the type say so');
  if (type === 'TsAsExpression' && isCastThroughUnknown(fields.expression)) {
    return found('"as unknown as": check the value, or give it the right type where it is made');
  }
  return [];
}

function isCastThroughUnknown(expression: unknown): boolean {
  if (!isRecord(expression)) return false;
  if (expression.type === 'ParenthesisExpression') return isCastThroughUnknown(expression.expression);
  const target = expression.type === 'TsAsExpression' ? expression.typeAnnotation : undefined;
  return isRecord(target) && target.type === 'TsKeywordType' && target.kind === 'unknown';
}
