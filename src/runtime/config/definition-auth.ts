/** `auth` of a listener: who may send requests there. And ranges of addresses. */
import * as z from 'zod';
import { cidrMistake } from '../../accept/cidr.ts';
import { listOf, shown } from './suggest.ts';

const kinds = ['bearer', 'basic', 'cidrs'];

export const cidr = z.string().superRefine((text, context) => {
  const mistake = cidrMistake(text);
  if (mistake !== null) context.addIssue(`found ${shown(text)}; ${mistake}`);
});

function fileOf(lines: string) {
  const file = z.string().regex(/^[^\0]+$/, 'the path of a file is needed');
  return z.strictObject({ file: file.describe(`File with ${lines}; read again when it changes.`) });
}

const proof = z
  .strictObject({
    bearer: fileOf('one token a line').optional().describe('A token in Authorization (RFC 6750).'),
    basic: fileOf('one user:password a line').optional().describe('A user and a password (RFC 7617).'),
    cidrs: z
      .array(cidr)
      .min(1, 'an empty list lets nobody in')
      .optional()
      .describe('Ranges that connections may come from.'),
  })
  .refine((given) => Object.keys(given).length === 1, `expected none, or exactly one of ${listOf(kinds)}`);

export const auth = z.union([z.literal('none'), proof], {
  error: ({ input }) => `found ${shown(input)}; expected none, or exactly one of ${listOf(kinds)}`,
});
