import { describeWithKafka } from '../helpers/kafka.ts';
import { renderReport, writeReport } from './report.ts';
import { runFaults } from './run.ts';
import { sizeFrom } from './size.ts';

const size = sizeFrom(process.env);

describeWithKafka('Outrider, with everything around it going wrong', { control: true }, () => {
  test(
    'loses nothing that a caller was promised, invents nothing, and serves live traffic all the while',
    async () => {
      process.stderr.write(`faults: seed ${size.seed}\n`);
      const report = await runFaults(size);
      process.stderr.write(`${renderReport(report)}\n`);
      if (size.reportFolder !== null) writeReport(report, size.reportFolder);
      const { lost, invented, disordered, ledgerFaults, examples } = report;
      expect({ lost, invented, disordered, liveErrors: report.live.errors, ledgerFaults, examples }).toEqual({
        lost: 0,
        invented: 0,
        disordered: 0,
        liveErrors: 0,
        ledgerFaults: [],
        examples: [],
      });
      expect(report.ledger.captured).toBe(report.differentRecords);
      expect(report.duplicates).toBeLessThanOrEqual(report.duplicatesAllowed);
      const skipped = Object.keys(report.operations).filter((what) => what.includes('SKIPPED'));
      if (process.env.CI === 'true') expect(skipped).toEqual([]);
      expect(report.failuresKept).toBeGreaterThanOrEqual(size.failures);
    },
    (size.maxMinutes + 8) * 60_000,
  );
});
