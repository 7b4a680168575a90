/** What each alert rule makes of series that Outrider would export: when it fires, and when it does not. */

export interface AlertCase {
  readonly alert: string;
  /** Completes "ALERT …". */
  readonly title: string;
  /** Series by name and labels; values as promtool has them, one a minute: `0x5` is six zeros, `_` is no sample. */
  readonly series: Readonly<Record<string, string>>;
  readonly at: string;
  /** null: it doesn't. */
  readonly fires: { readonly labels: Readonly<Record<string, string>>; readonly description: string } | null;
}

const POD = 'namespace="shop",pod="legacy-0"';
const FLEET = 'namespace="shop",job="shop/legacy",workload="legacy"';
const OTHER_FLEET = 'namespace="shop",job="shop/legacy",workload="other"';
const ofPod = { namespace: 'shop', pod: 'legacy-0' };
const ofFleet = { namespace: 'shop', job: 'shop/legacy', workload: 'legacy' };

type Rest = Omit<AlertCase, 'alert' | 'fires'>;

const fires = (
  alert: string,
  { title, series, at }: Rest,
  description: string,
  labels: Readonly<Record<string, string>> = ofPod,
): AlertCase => ({ alert, title, series, at, fires: { labels, description } });
const quiet = (alert: string, rest: Rest): AlertCase => ({ alert, fires: null, ...rest });

const CAPTURE = `${POD},rule="r",reason="connect"`;

const captures: readonly AlertCase[] = [
  fires(
    'OutriderCapturesFail',
    {
      title: 'fires for one failed capture',
      series: { [`outrider_captures_total{${CAPTURE},result="failed"}`]: '0x20 1x20' },
      at: '22m',
    },
    'shop/legacy-0: 1 failed requests in 10 minutes were answered without a record on disk. /readyz?verbose on the metrics port says why.',
  ),
  fires(
    'OutriderCapturesFail',
    {
      title: 'fires for a series that is born with its first pending capture',
      series: { [`outrider_captures_total{${CAPTURE},result="pending"}`]: '_x20 1x20' },
      at: '21m',
    },
    'shop/legacy-0: 1 failed requests in 10 minutes were answered without a record on disk. /readyz?verbose on the metrics port says why.',
  ),
  quiet('OutriderCapturesFail', {
    title: 'is over ten minutes after the last one',
    series: { [`outrider_captures_total{${CAPTURE},result="failed"}`]: '0x20 1x40' },
    at: '40m',
  }),
  quiet('OutriderCapturesFail', {
    title: 'does not fire for captures that were committed or are partial',
    series: {
      [`outrider_captures_total{${CAPTURE},result="failed"}`]: '0x40',
      [`outrider_captures_total{${CAPTURE},result="committed"}`]: '0+9x40',
      [`outrider_captures_total{${CAPTURE},result="partial"}`]: '_x20 1+1x20',
    },
    at: '25m',
  }),
  fires(
    'OutriderCapturesPartial',
    {
      title: 'fires for a partial capture',
      series: { [`outrider_captures_total{${CAPTURE},result="partial"}`]: '_x20 1x20' },
      at: '21m',
    },
    'shop/legacy-0: 1 in 15 minutes: larger than capture.body, slower than capture.readWait, or no room in spool.size.',
  ),
  quiet('OutriderCapturesPartial', {
    title: 'does not fire for whole ones',
    series: { [`outrider_captures_total{${CAPTURE},result="committed"}`]: '0+9x40' },
    at: '25m',
  }),
];

const ledger: readonly AlertCase[] = [
  ...[
    ['missing', '0x5 3x10'],
    ['invented', '0x5 -3x10'],
  ].map(([what, values = '']) =>
    fires(
      'OutriderLedgerDifference',
      { title: `fires when records are ${what}`, series: { [`outrider_ledger_difference{${POD}}`]: values }, at: '8m' },
      'shop/legacy-0: 3 records are missing or were invented.',
    ),
  ),
  quiet('OutriderLedgerDifference', {
    title: 'does not fire when the ledger adds up',
    series: { [`outrider_ledger_difference{${POD}}`]: '0x20' },
    at: '8m',
  }),
  fires(
    'OutriderRecordsQuarantined',
    {
      title: 'fires when a record is quarantined',
      series: { [`outrider_spool_quarantined_records_total{${POD},instance="a"}`]: '4x20 5x20' },
      at: '22m',
    },
    'shop/legacy-0: the disk altered or lost records. The log names file and cause.',
  ),
  fires(
    'OutriderRecordsQuarantined',
    {
      title: 'fires when a pod comes back under its name with more than it had',
      series: {
        [`outrider_spool_quarantined_records_total{${POD},instance="a"}`]: '0x20 stale',
        [`outrider_spool_quarantined_records_total{${POD},instance="b"}`]: '_x22 7x20',
      },
      at: '24m',
    },
    'shop/legacy-0: the disk altered or lost records. The log names file and cause.',
  ),
  quiet('OutriderRecordsQuarantined', {
    title: 'does not fire again for old ones, when the pod comes back with another address',
    series: {
      [`outrider_spool_quarantined_records_total{${POD},instance="a"}`]: '7x20 stale',
      [`outrider_spool_quarantined_records_total{${POD},instance="b"}`]: '_x22 7x20',
    },
    at: '24m',
  }),
  ...['rate', 'maxAge', 'dropOldest'].map((reason) =>
    fires(
      'OutriderRecordsLost',
      {
        title: `fires when records are given up for ${reason}`,
        series: { [`outrider_lost_records_total{${POD},reason="${reason}"}`]: '0x20 8x20' },
        at: '22m',
      },
      `shop/legacy-0: records were given up in the last 15 minutes for ${reason}: capture.rate, spool.maxAge or spool.whenFull.`,
      { ...ofPod, reason },
    ),
  ),
  quiet('OutriderRecordsLost', {
    title: 'does not fire for those of yesterday',
    series: { [`outrider_lost_records_total{${POD},reason="maxAge"}`]: '8x60' },
    at: '30m',
  }),
];

const OPTED = `kube_pod_labels{${POD},label_outrider_dev_inject="true"}`;

const sidecar: readonly AlertCase[] = [
  fires(
    'OutriderSidecarMissing',
    {
      title: 'fires for a pod that asked for it and has only its application',
      series: {
        [OPTED]: '1x20',
        [`kube_pod_status_phase{${POD},phase="Running"}`]: '1x20',
        [`kube_pod_container_info{${POD},container="app"}`]: '1x20',
      },
      at: '5m',
    },
    'shop/legacy-0 has the label outrider.dev/inject and no container outrider: its failed requests are not kept.',
  ),
  ...['init_container', 'container'].map((kind) =>
    quiet('OutriderSidecarMissing', {
      title: `does not fire where it is a ${kind.replace('_', ' ')}`,
      series: {
        [OPTED]: '1x20',
        [`kube_pod_status_phase{${POD},phase="Running"}`]: '1x20',
        [`kube_pod_${kind}_info{${POD},container="outrider"}`]: '1x20',
      },
      at: '5m',
    }),
  ),
  quiet('OutriderSidecarMissing', {
    title: 'does not fire for a pod that did not ask',
    series: {
      [`kube_pod_labels{${POD},label_outrider_dev_inject="false"}`]: '1x20',
      [`kube_pod_status_phase{${POD},phase="Running"}`]: '1x20',
    },
    at: '5m',
  }),
  quiet('OutriderSidecarMissing', {
    title: 'does not fire for a pod that has ended',
    series: {
      [OPTED]: '1x20',
      [`kube_pod_status_phase{${POD},phase="Succeeded"}`]: '1x20',
      [`kube_pod_status_phase{${POD},phase="Running"}`]: '0x20',
    },
    at: '5m',
  }),
];

const spool: readonly AlertCase[] = [
  fires(
    'OutriderSpoolFills',
    {
      title: 'fires over 80 % with records that nobody releases',
      series: {
        [`outrider_spool_bytes{${POD}}`]: '81x20',
        [`outrider_spool_limit_bytes{${POD}}`]: '100x20',
        [`outrider_spool_oldest_record_age_seconds{${POD}}`]: '0+60x20',
      },
      at: '6m',
    },
    'shop/legacy-0: 81% of spool.size is used.',
  ),
  quiet('OutriderSpoolFills', {
    title: 'does not fire at 80 %',
    series: {
      [`outrider_spool_bytes{${POD}}`]: '80x20',
      [`outrider_spool_limit_bytes{${POD}}`]: '100x20',
      [`outrider_spool_oldest_record_age_seconds{${POD}}`]: '0+60x20',
    },
    at: '6m',
  }),
  quiet('OutriderSpoolFills', {
    title: 'does not fire while only released records fill it',
    series: {
      [`outrider_spool_bytes{${POD}}`]: '99x20',
      [`outrider_spool_limit_bytes{${POD}}`]: '100x20',
      [`outrider_spool_oldest_record_age_seconds{${POD}}`]: '0x20',
    },
    at: '6m',
  }),
  quiet('OutriderSpoolFills', {
    title: 'does not fire where there is no spool',
    series: {
      [`outrider_spool_bytes{${POD}}`]: '0x20',
      [`outrider_spool_limit_bytes{${POD}}`]: '0x20',
      [`outrider_spool_oldest_record_age_seconds{${POD}}`]: '0x20',
    },
    at: '6m',
  }),
  fires(
    'OutriderRecordsWait',
    {
      title: 'fires when the oldest waits for more than ten minutes',
      series: { [`outrider_spool_oldest_record_age_seconds{${POD}}`]: '0+60x20' },
      at: '13m',
    },
    'shop/legacy-0: the oldest is 13m 0s old. It waits for Kafka, for its target, or for a person.',
  ),
  quiet('OutriderRecordsWait', {
    title: 'does not fire at ten minutes',
    series: { [`outrider_spool_oldest_record_age_seconds{${POD}}`]: '600x20' },
    at: '13m',
  }),
  fires(
    'OutriderRecordsDead',
    {
      title: 'fires for one dead record',
      series: { [`outrider_spool_records{${POD},state="dead"}`]: '1x20' },
      at: '1m',
    },
    "shop/legacy-0: 1 records are dead: their schedule is over, or the target's answer was final.",
  ),
  quiet('OutriderRecordsDead', {
    title: 'does not fire for records in other states',
    series: {
      [`outrider_spool_records{${POD},state="dead"}`]: '0x20',
      [`outrider_spool_records{${POD},state="held"}`]: '9x20',
    },
    at: '1m',
  }),
  fires(
    'OutriderSpoolErrors',
    {
      title: 'fires while commits fail',
      series: { [`outrider_spool_errors_total{${POD},operation="commit"}`]: '0+5x20' },
      at: '9m',
    },
    'shop/legacy-0: commit failed 25 times in 5 minutes. The next failed request may not be kept.',
    { ...ofPod, operation: 'commit' },
  ),
  quiet('OutriderSpoolErrors', {
    title: 'does not fire for errors that are over',
    series: { [`outrider_spool_errors_total{${POD},operation="commit"}`]: '7x20' },
    at: '9m',
  }),
];

const mirrorAndConfig: readonly AlertCase[] = [
  fires(
    'OutriderMirrorDown',
    { title: 'fires after five minutes', series: { [`outrider_mirror_up{${POD}}`]: '1x2 0x20' }, at: '9m' },
    'shop/legacy-0: since 5 minutes or longer. Records wait in the spool. /readyz?verbose says what Kafka answers.',
  ),
  quiet('OutriderMirrorDown', {
    title: 'does not fire for the restart of a broker',
    series: { [`outrider_mirror_up{${POD}}`]: '1x2 0x3 1x20' },
    at: '9m',
  }),
  quiet('OutriderMirrorDown', {
    title: 'does not fire without a mirror',
    series: { [`outrider_mirror_records_total{${POD},result="failed"}`]: '0x20' },
    at: '9m',
  }),
  ...[
    ['is refused', { outrider_config_stale: '0x20', outrider_config_last_reload_successful: '0x20' }],
    ['is stale after a restart', { outrider_config_stale: '1x20', outrider_config_last_reload_successful: '1x20' }],
  ].map(([what, values]) =>
    fires(
      'OutriderConfigStale',
      {
        title: `fires when the configuration ${what}`,
        series: Object.fromEntries(Object.entries(values ?? {}).map(([name, value]) => [`${name}{${POD}}`, value])),
        at: '3m',
      },
      'shop/legacy-0: the log has file, line and column. A new pod will not start on it.',
    ),
  ),
  quiet('OutriderConfigStale', {
    title: 'does not fire for one that was accepted',
    series: { [`outrider_config_stale{${POD}}`]: '0x20', [`outrider_config_last_reload_successful{${POD}}`]: '1x20' },
    at: '3m',
  }),
  fires(
    'OutriderConfigsDiffer',
    {
      title: 'fires when two pods of a workload differ for 15 minutes',
      series: {
        [`outrider_config_info{${FLEET},pod="legacy-0",hash="a",source="/etc/outrider/config"}`]: '1x30',
        [`outrider_config_info{${FLEET},pod="legacy-1",hash="b",source="/etc/outrider/config"}`]: '1x30',
      },
      at: '16m',
    },
    'shop/legacy (shop/legacy): 2 different ones since 15 minutes or longer.',
    ofFleet,
  ),
  quiet('OutriderConfigsDiffer', {
    title: 'does not fire while an edit reaches the pods one after the other',
    series: {
      [`outrider_config_info{${FLEET},pod="legacy-0",hash="a",source="/etc/outrider/config"}`]: '1x5 stale',
      [`outrider_config_info{${FLEET},pod="legacy-0",hash="b",source="/etc/outrider/config"}`]: '_x5 1x30',
      [`outrider_config_info{${FLEET},pod="legacy-1",hash="a",source="/etc/outrider/config"}`]: '1x7 stale',
      [`outrider_config_info{${FLEET},pod="legacy-1",hash="b",source="/etc/outrider/config"}`]: '_x7 1x30',
    },
    at: '22m',
  }),
  quiet('OutriderConfigsDiffer', {
    title: 'does not fire for two workloads',
    series: {
      [`outrider_config_info{${FLEET},pod="legacy-0",hash="a",source="/etc/outrider/config"}`]: '1x30',
      [`outrider_config_info{${OTHER_FLEET},pod="other-0",hash="b",source="/etc/outrider/config"}`]: '1x30',
    },
    at: '16m',
  }),
];

const REQUESTS = `outrider_requests_total{${FLEET},listener="a",rule="r",target="qa",method="GET"`;
const FAILURES = `outrider_failures_total{${FLEET},rule="r",target="qa"`;
const EXPIRY = 'outrider_tls_certificate_expiry_timestamp_seconds';
const DAY = 24 * 3600;

const targets: readonly AlertCase[] = [
  fires(
    'OutriderTargetFails',
    {
      title: 'fires when 6 % fail',
      series: {
        [`${REQUESTS},code="200"}`]: '0+94x30',
        [`${REQUESTS},code="502"}`]: '0+6x30',
        [`${FAILURES},reason="connect"}`]: '0+6x30',
      },
      at: '12m',
    },
    'shop/legacy (shop/legacy): 6% of the requests to target qa fail.',
    { ...ofFleet, target: 'qa' },
  ),
  quiet('OutriderTargetFails', {
    title: 'does not fire when 4 % fail',
    series: {
      [`${REQUESTS},code="200"}`]: '0+96x30',
      [`${REQUESTS},code="502"}`]: '0+4x30',
      [`${FAILURES},reason="connect"}`]: '0+4x30',
    },
    at: '12m',
  }),
  quiet('OutriderTargetFails', {
    title: 'does not fire for two minutes of it',
    series: { [`${REQUESTS},code="200"}`]: '0+94x30', [`${FAILURES},reason="connect"}`]: '0x5 0+20x2 40x30' },
    at: '12m',
  }),
  quiet('OutriderTargetFails', {
    title: 'does not fire for callers that leave',
    series: { [`${REQUESTS},code="other"}`]: '0+94x30', [`${FAILURES},reason="clientAbort"}`]: '0+50x30' },
    at: '12m',
  }),
  fires(
    'OutriderBreakerOpen',
    {
      title: 'fires for a breaker that lets a few through now and then',
      series: { [`outrider_circuit_breaker_state{${POD},target="qa"}`]: '0x5 2 0 2 0 2 0 2 0' },
      at: '9m',
    },
    'shop/legacy-0: every URL of target qa failed too often in a row.',
    { ...ofPod, target: 'qa' },
  ),
  quiet('OutriderBreakerOpen', {
    title: 'is over when it stays closed',
    series: { [`outrider_circuit_breaker_state{${POD},target="qa"}`]: '2x5 0x20' },
    at: '10m',
  }),
  fires(
    'OutriderCertificateExpires',
    {
      title: 'fires two weeks before',
      series: { [`${EXPIRY}{${FLEET},pod="legacy-0",target="qa"}`]: `${13 * DAY}x20` },
      at: '10m',
    },
    'shop/legacy (shop/legacy): that of target qa is valid for 12d 23h 50m 0s more.',
    { ...ofFleet, target: 'qa' },
  ),
  quiet('OutriderCertificateExpires', {
    title: 'does not fire before that',
    series: { [`${EXPIRY}{${FLEET},pod="legacy-0",target="qa"}`]: `${15 * DAY}x20` },
    at: '10m',
  }),
  quiet('OutriderCertificateExpires', {
    title: 'does not fire when one pod has seen the new certificate',
    series: {
      [`${EXPIRY}{${FLEET},pod="legacy-0",target="qa"}`]: `${2 * DAY}x20`,
      [`${EXPIRY}{${FLEET},pod="legacy-1",target="qa"}`]: `${90 * DAY}x20`,
    },
    at: '10m',
  }),
  fires(
    'OutriderMetricsMissing',
    {
      title: 'fires when a pod does not answer for five minutes',
      series: { [`up{${POD},container="outrider"}`]: '1x2 0x20' },
      at: '9m',
    },
    'shop/legacy-0: /metrics does not answer, or answers 503.',
  ),
  quiet('OutriderMetricsMissing', {
    title: 'does not fire for other containers',
    series: { [`up{${POD},container="outrider"}`]: '1x20', [`up{${POD},container="app"}`]: '0x20' },
    at: '9m',
  }),
];

export const ALERT_CASES: readonly AlertCase[] = [
  ...captures,
  ...ledger,
  ...sidecar,
  ...spool,
  ...mirrorAndConfig,
  ...targets,
];
