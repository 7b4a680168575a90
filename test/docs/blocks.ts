/** Fenced blocks of Markdown files, with what stands around them. */

export interface Block {
  readonly language: string;
  readonly text: string;
  /** Line of its first fence, from 1. */
  readonly line: number;
  /** X of a comment `<!-- needs: X -->` right before it; '' without one. */
  readonly needs: string;
}

/** In the order of the file. @throws Error for a fence that is never closed. */
export function readBlocks(markdown: string): Block[] {
  const lines = markdown.split('\n');
  const blocks: Block[] = [];
  for (let at = 0; at < lines.length; at += 1) {
    const fence = /^(\s*)```(\w*)/.exec(lines[at] ?? '');
    if (fence === null) continue;
    const end = lines.findIndex((line, index) => index > at && line.trim() === '```');
    if (end < 0) throw new Error(`the block at line ${at + 1} is not closed`);
    const [, indent = '', language = ''] = fence;
    const text = lines.slice(at + 1, end).map((line) => line.replace(indent, ''));
    blocks.push({ language, text: text.join('\n'), line: at + 1, needs: needsBefore(lines, at) });
    at = end;
  }
  return blocks;
}

function needsBefore(lines: readonly string[], at: number): string {
  const before = lines.slice(0, at).findLast((line) => line.trim() !== '') ?? '';
  return /<!-- needs: (.+?) -->/.exec(before)?.[1] ?? '';
}

/** The block of expected output that follows a command, '' when the next block is none. */
export function outputAfter(blocks: readonly Block[], block: Block): string {
  const next = blocks[blocks.indexOf(block) + 1];
  return next?.language === 'text' ? next.text : '';
}

/**
 * Lines of the expected text that the printed one lacks, in order: each has to come after the one before it. `…`
 * stands for anything, also for lines on its own.
 */
export function missingLines(expected: string, printed: string): string[] {
  const rest = printed.split('\n').map((line) => line.trim());
  const missing: string[] = [];
  for (const line of expected.split('\n').map((line) => line.trim())) {
    if (line === '' || line === '…') continue;
    const pattern = new RegExp(`^${line.split('…').map(escapePattern).join('.*')}$`);
    const at = rest.findIndex((candidate) => pattern.test(candidate));
    if (at < 0) missing.push(line);
    else rest.splice(0, at + 1);
  }
  return missing;
}

function escapePattern(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
