import { Problem } from '../../../src/watch/api/problem.ts';
import { ReadingRoom } from '../../../src/watch/api/reading-room.ts';

/** Whether it has been let in by now. */
async function isIn(entering: Promise<unknown>): Promise<boolean> {
  const turn = new Promise((resolve) => setImmediate(() => resolve('outside')));
  return (await Promise.race([entering, turn])) !== 'outside';
}

describe('readers of records', () => {
  test('are let in as long as there is room, and the rest in their order', async () => {
    const room = new ReadingRoom(() => 100);
    const first = await room.enter(60);
    const second = room.enter(50);
    const third = room.enter(10);
    // There would be room for the third, but the second was there before.
    expect([await isIn(second), await isIn(third)]).toEqual([false, false]);
    first();
    expect([await isIn(second), await isIn(third)]).toEqual([true, true]);
    (await second)();
    (await third)();
  });

  test('one alone is let in however large its record is', async () => {
    const room = new ReadingRoom(() => 100);
    const leave = await room.enter(1000);
    const other = room.enter(1);
    expect(await isIn(other)).toBe(false);
    leave();
    (await other)();
  });

  test('to leave twice gives the room back once', async () => {
    const room = new ReadingRoom(() => 100);
    const leave = await room.enter(60);
    const other = await room.enter(40);
    leave();
    leave();
    const large = room.enter(61);
    expect(await isIn(large)).toBe(false);
    other();
    (await large)();
  });

  test('who waits too long is told to come again, and takes nobody’s place', async () => {
    const room = new ReadingRoom(() => 100, 20);
    const leave = await room.enter(100);
    const problem = await room.enter(1).catch((error: unknown) => error);
    expect(problem).toBeInstanceOf(Problem);
    expect(problem).toMatchObject({ status: 503, headers: { 'retry-after': '2' } });
    leave();
    (await room.enter(100))();
  });
});
