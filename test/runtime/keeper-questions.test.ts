import type { ToKeeper } from '../../src/runtime/keeper-protocol.ts';
import { KeeperQuestions } from '../../src/runtime/keeper-questions.ts';

function questions() {
  const posted: ToKeeper[] = [];
  const made = new KeeperQuestions((message) => posted.push(message));
  const numberOf = (at: number): number => {
    const message = posted[at];
    return message?.type === 'ask' ? message.number : -1;
  };
  return { made, posted, numberOf };
}

test('each question gets its own answer, in whatever order they come', async () => {
  const { made, posted, numberOf } = questions();
  const asked = [made.ask('metrics', 1000), made.ask('degraded', 1000)];
  expect(posted).toMatchObject([
    { type: 'ask', what: 'metrics' },
    { type: 'ask', what: 'degraded' },
  ]);
  made.receive({ type: 'answer', number: numberOf(1), text: 'b', problem: '' });
  made.receive({ type: 'answer', number: numberOf(0), text: 'a', problem: '' });
  expect(await Promise.all(asked)).toEqual(['a', 'b']);
});

test('what went wrong in the keeper is told', async () => {
  const { made, numberOf } = questions();
  const asked = made.ask('metrics', 1000);
  made.receive({ type: 'answer', number: numberOf(0), text: '', problem: 'disk I/O error' });
  await expect(asked).rejects.toThrow('disk I/O error');
});

test('a keeper that does not answer is told after the wait, and its late answer harms nobody', async () => {
  const { made, numberOf } = questions();
  await expect(made.ask('metrics', 20)).rejects.toThrow(/has not answered within 0.02 s/);
  made.receive({ type: 'answer', number: numberOf(0), text: 'late', problem: '' });
});
