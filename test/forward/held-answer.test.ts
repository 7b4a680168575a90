import { Buffers } from '../../src/accept/buffers.ts';
import { HeldAnswer } from '../../src/forward/held-answer.ts';

const piece = Buffer.alloc(1000, 'x');

test('a held answer counts until it is released, once', () => {
  const buffers = new Buffers();
  const held = new HeldAnswer(503, 'Busy', [], buffers);
  held.add(piece);
  held.add(piece);
  expect(buffers.used).toBe(2000);
  held.release();
  held.release();
  expect(buffers.used).toBe(0);
  expect(held.excerpt(1500).length).toBe(1500);
});

test('it is kept back until enough of it is there, or memory is used up', () => {
  const buffers = new Buffers(5000);
  const held = new HeldAnswer(503, 'Busy', [], buffers);
  held.add(piece);
  expect([held.isEnough(1500), held.isEnough(1000)]).toEqual([false, true]);
  buffers.change(0, 4000);
  expect(held.isEnough(1500)).toBe(true);
});
