/**
 * The Grafana dashboard, which scripts/manifests.ts writes. Rows follow the path of a request; what a metric means is
 * said by its own help text. test/monitoring asks a real Prometheus each query.
 */
import { metricDefinition } from '../src/watch/catalog.ts';

interface Query {
  readonly expr: string;
  readonly legend: string;
}

export interface Panel {
  readonly title: string;
  readonly kind: 'timeseries' | 'stat' | 'table';
  readonly unit: string;
  /** In 24ths of the page. */
  readonly width: number;
  readonly queries: readonly Query[];
  /** From this value on it is yellow, and red; none: always green. */
  readonly warnAt?: number;
  readonly badAt?: number;
}

export interface Row {
  readonly title: string;
  readonly panels: readonly Panel[];
}

/** Every metric is asked for with these. `workload` and `pod` may be All. */
const PODS = 'namespace=~"$namespace",workload=~"$workload",pod=~"$pod"';
const RATE = '[$__rate_interval]';

/** `name{labels}` with the chosen pods. */
const of = (name: string, labels = ''): string => `${name}{${labels === '' ? PODS : `${PODS},${labels}`}}`;
const rate = (name: string, by: string, labels = ''): string => `sum by (${by}) (rate(${of(name, labels)}${RATE}))`;
const quantile = (q: number, name: string, by: string): string =>
  `histogram_quantile(${q}, ${rate(`${name}_bucket`, by === '' ? 'le' : `le, ${by}`)})`;

const lines = (title: string, unit: string, ...queries: readonly Query[]): Panel => ({
  title,
  kind: 'timeseries',
  unit,
  width: 8,
  queries,
});
const number = (
  title: string,
  unit: string,
  expr: string,
  limits: { readonly warnAt?: number; readonly badAt?: number } = {},
): Panel => ({ title, kind: 'stat', unit, width: 4, queries: [{ expr, legend: title }], ...limits });

const ABOVE_ZERO = 0.001;

const AT_A_GLANCE: Row = {
  title: 'At a glance',
  panels: [
    number('Requests', 'reqps', `sum(rate(${of('outrider_requests_total')}${RATE}))`),
    number(
      'Failing',
      'percentunit',
      `sum(rate(${of('outrider_failures_total')}${RATE})) / sum(rate(${of('outrider_requests_total')}${RATE}))`,
      { warnAt: 0.01, badAt: 0.05 },
    ),
    number(
      'Not kept',
      'short',
      `sum(increase(${of('outrider_captures_total', 'result=~"failed|pending"')}[$__range]))`,
      {
        badAt: ABOVE_ZERO,
      },
    ),
    number('Ledger difference', 'short', `sum(abs(${of('outrider_ledger_difference')}))`, { badAt: ABOVE_ZERO }),
    number('Oldest unreleased', 's', `max(${of('outrider_spool_oldest_record_age_seconds')})`, {
      warnAt: 60,
      badAt: 600,
    }),
    number('Pods', 'short', `count(${of('outrider_build_info')})`),
  ],
};

const ACCEPT: Row = {
  title: 'Accept: what comes in',
  panels: [
    lines('Requests by code', 'reqps', { expr: rate('outrider_requests_total', 'code'), legend: '{{code}}' }),
    lines(
      'What callers wait',
      's',
      { expr: quantile(0.5, 'outrider_request_duration_seconds', ''), legend: 'p50' },
      { expr: quantile(0.99, 'outrider_request_duration_seconds', ''), legend: 'p99' },
    ),
    lines('In flight', 'short', { expr: `sum by (pod) (${of('outrider_requests_in_flight')})`, legend: '{{pod}}' }),
    lines('Refused by Outrider', 'reqps', { expr: rate('outrider_rejected_total', 'reason'), legend: '{{reason}}' }),
    lines('Repaired', 'reqps', { expr: rate('outrider_tolerated_total', 'kind'), legend: '{{kind}}' }),
    lines(
      'Bodies',
      'Bps',
      { expr: `sum(rate(${of('outrider_request_bytes_total')}${RATE}))`, legend: 'requests' },
      { expr: `sum(rate(${of('outrider_response_bytes_total')}${RATE}))`, legend: 'answers' },
    ),
  ],
};

const DISPATCH: Row = {
  title: 'Dispatch: which rule',
  panels: [
    lines('Requests by rule', 'reqps', { expr: rate('outrider_requests_total', 'rule'), legend: '{{rule}}' }),
    lines('Requests by target', 'reqps', { expr: rate('outrider_requests_total', 'target'), legend: '{{target}}' }),
    {
      title: 'Configurations that run',
      kind: 'table',
      unit: 'short',
      width: 8,
      queries: [{ expr: `count by (workload, hash, source) (${of('outrider_config_info')})`, legend: '' }],
    },
  ],
};

const FORWARD: Row = {
  title: 'Forward: the targets',
  panels: [
    lines('What targets take, p99', 's', {
      expr: quantile(0.99, 'outrider_target_duration_seconds', 'target'),
      legend: '{{target}}',
    }),
    lines('What callers wait, p99 by target', 's', {
      expr: quantile(0.99, 'outrider_request_duration_seconds', 'target'),
      legend: '{{target}}',
    }),
    lines('Connections', 'short', {
      expr: `sum by (target, state) (${of('outrider_target_connections')})`,
      legend: '{{target}} {{state}}',
    }),
    lines('URLs in use', 'short', {
      expr: `sum by (target, url) (${of('outrider_target_healthy')})`,
      legend: '{{target}} {{url}}',
    }),
    lines('Breakers (2 is open)', 'short', {
      expr: `max by (target) (${of('outrider_circuit_breaker_state')})`,
      legend: '{{target}}',
    }),
    lines('Retries', 'ops', {
      expr: rate('outrider_retries_total', 'target, result'),
      legend: '{{target}} {{result}}',
    }),
    lines('Certificates end in', 's', {
      expr: `max by (target) (${of('outrider_tls_certificate_expiry_timestamp_seconds')}) - time()`,
      legend: '{{target}}',
    }),
  ],
};

const JUDGE: Row = {
  title: 'Judge: what failed',
  panels: [
    lines('Failures by reason', 'reqps', { expr: rate('outrider_failures_total', 'reason'), legend: '{{reason}}' }),
    lines('Failures by target', 'reqps', { expr: rate('outrider_failures_total', 'target'), legend: '{{target}}' }),
    lines('Share that fails, by target', 'percentunit', {
      expr: `${rate('outrider_failures_total', 'target')} / ${rate('outrider_requests_total', 'target')}`,
      legend: '{{target}}',
    }),
  ],
};

const RECORD: Row = {
  title: 'Record: what is kept',
  panels: [
    lines('Captures', 'ops', { expr: rate('outrider_captures_total', 'result'), legend: '{{result}}' }),
    lines('Records by state', 'short', {
      expr: `sum by (state) (${of('outrider_spool_records')})`,
      legend: '{{state}}',
    }),
    lines('Spool used', 'percentunit', {
      expr: `max by (pod) (${of('outrider_spool_bytes')} / ${of('outrider_spool_limit_bytes')})`,
      legend: '{{pod}}',
    }),
    lines('Oldest unreleased record', 's', {
      expr: `max by (pod) (${of('outrider_spool_oldest_record_age_seconds')})`,
      legend: '{{pod}}',
    }),
    lines(
      'Commits, fsync included',
      's',
      { expr: quantile(0.5, 'outrider_spool_commit_duration_seconds', ''), legend: 'p50' },
      { expr: quantile(0.99, 'outrider_spool_commit_duration_seconds', ''), legend: 'p99' },
    ),
    lines('Spool errors', 'ops', { expr: rate('outrider_spool_errors_total', 'operation'), legend: '{{operation}}' }),
    lines(
      'Given up or unreadable',
      'short',
      {
        expr: `sum by (reason) (${of('outrider_lost_records_total')})`,
        legend: 'lost: {{reason}}',
      },
      { expr: `sum(${of('outrider_spool_quarantined_records_total')})`, legend: 'quarantined' },
    ),
  ],
};

const MIRROR: Row = {
  title: 'Record: the mirror to Kafka',
  panels: [
    lines('Sent', 'ops', { expr: rate('outrider_mirror_records_total', 'result'), legend: '{{result}}' }),
    lines('Waiting', 'short', { expr: `sum by (pod) (${of('outrider_mirror_pending_records')})`, legend: '{{pod}}' }),
    lines('Oldest waiting', 's', {
      expr: `max by (pod) (${of('outrider_mirror_oldest_pending_age_seconds')})`,
      legend: '{{pod}}',
    }),
    lines('Kafka answers (1)', 'short', { expr: `min by (pod) (${of('outrider_mirror_up')})`, legend: '{{pod}}' }),
  ],
};

const PROCESS: Row = {
  title: 'The process',
  panels: [
    lines(
      'Memory',
      'bytes',
      { expr: `sum by (pod) (${of('process_resident_memory_bytes')})`, legend: '{{pod}}' },
      { expr: `sum by (pod) (${of('outrider_buffer_bytes')})`, legend: '{{pod}}: held for exchanges' },
    ),
    lines('CPU', 'short', { expr: rate('process_cpu_seconds_total', 'pod'), legend: '{{pod}}' }),
    lines('Open files', 'short', { expr: `sum by (pod) (${of('process_open_fds')})`, legend: '{{pod}}' }),
    {
      title: 'Configuration refused or stale',
      kind: 'stat',
      unit: 'short',
      width: 8,
      queries: [
        {
          expr: `sum(${of('outrider_config_stale')}) + count(${of('outrider_config_last_reload_successful')}) - sum(${of('outrider_config_last_reload_successful')})`,
          legend: 'pods',
        },
      ],
      warnAt: 1,
    },
    {
      title: 'Versions and volumes',
      kind: 'table',
      unit: 'short',
      width: 8,
      queries: [
        { expr: `count by (version, node) (${of('outrider_build_info')})`, legend: '' },
        { expr: `count by (kind) (${of('outrider_spool_volume_info')})`, legend: '' },
      ],
    },
    lines('Series that found no room', 'short', {
      expr: `sum by (pod) (${of('outrider_metrics_dropped_series_total')})`,
      legend: '{{pod}}',
    }),
  ],
};

export const ROWS: readonly Row[] = [AT_A_GLANCE, ACCEPT, DISPATCH, FORWARD, JUDGE, RECORD, MIRROR, PROCESS];

const DATASOURCE = { type: 'prometheus', uid: '${datasource}' };
const PAGE_WIDTH = 24;
const HEIGHTS = { timeseries: 8, table: 8, stat: 4 } as const;

/** The names of Outrider's metrics in a query, without the parts of a histogram. */
export function metricsIn(expr: string): string[] {
  const names = expr.match(/\boutrider_[a-z_]+/g) ?? [];
  return names.map((name) => name.replace(/_bucket$/, ''));
}

/** What each metric of the panel is, in the words of the catalog. */
function describePanel({ queries }: Panel): string {
  const names = new Set(queries.flatMap(({ expr }) => metricsIn(expr)));
  return [...names].map((name) => `${name}: ${metricDefinition(name).help}`).join('\n\n');
}

function thresholds({ warnAt, badAt }: Panel): unknown {
  const steps: { color: string; value: number | null }[] = [{ color: 'green', value: null }];
  if (warnAt !== undefined) steps.push({ color: 'yellow', value: warnAt });
  if (badAt !== undefined) steps.push({ color: 'red', value: badAt });
  return { mode: 'absolute', steps };
}

function panelJson(panel: Panel, id: number, gridPos: object): object {
  const { title, kind, unit, queries } = panel;
  return {
    id,
    type: kind,
    title,
    description: describePanel(panel),
    datasource: DATASOURCE,
    gridPos,
    fieldConfig: {
      defaults: {
        unit,
        min: 0,
        thresholds: thresholds(panel),
        ...(kind === 'stat' && { color: { mode: 'thresholds' } }),
      },
      overrides: [],
    },
    options:
      kind === 'timeseries'
        ? { legend: { displayMode: 'list', placement: 'bottom' }, tooltip: { mode: 'multi', sort: 'desc' } }
        : kind === 'stat'
          ? { reduceOptions: { calcs: ['lastNotNull'] }, colorMode: 'value', graphMode: 'area' }
          : {},
    targets: queries.map(({ expr, legend }, index) => ({
      refId: String.fromCharCode(65 + index),
      datasource: DATASOURCE,
      expr,
      ...(kind === 'table' ? { format: 'table', instant: true } : { legendFormat: legend }),
    })),
  };
}

/** Left to right, then down; each row begins a line of its own. */
function layOut(rows: readonly Row[]): object[] {
  const made: object[] = [];
  let y = 0;
  for (const { title, panels } of rows) {
    made.push({
      id: made.length + 1,
      type: 'row',
      title,
      collapsed: false,
      gridPos: { x: 0, y, w: PAGE_WIDTH, h: 1 },
      panels: [],
    });
    y += 1;
    let x = 0;
    let height = 0;
    for (const panel of panels) {
      if (x + panel.width > PAGE_WIDTH) {
        y += height;
        x = 0;
        height = 0;
      }
      const h = HEIGHTS[panel.kind];
      made.push(panelJson(panel, made.length + 1, { x, y, w: panel.width, h }));
      x += panel.width;
      height = Math.max(height, h);
    }
    y += height;
  }
  return made;
}

/** A list of what a label's values are, All included. */
function variable(name: string, label: string, query: string): object {
  return {
    name,
    label,
    type: 'query',
    datasource: DATASOURCE,
    query: { query, refId: name },
    definition: query,
    refresh: 2,
    sort: 1,
    multi: true,
    includeAll: true,
    allValue: '.*',
    current: { text: 'All', value: '$__all' },
  };
}

export function dashboard(): object {
  const info = 'outrider_build_info';
  return {
    uid: 'outrider',
    title: 'Outrider',
    description: 'What Outrider accepts, dispatches, forwards, judges and keeps. The rows are the path of a request.',
    tags: ['outrider'],
    schemaVersion: 39,
    editable: true,
    graphTooltip: 1,
    refresh: '30s',
    time: { from: 'now-3h', to: 'now' },
    timezone: 'browser',
    templating: {
      list: [
        { name: 'datasource', label: 'Prometheus', type: 'datasource', query: 'prometheus' },
        variable('namespace', 'Namespace', `label_values(${info}, namespace)`),
        variable('workload', 'Workload', `label_values(${info}{namespace=~"$namespace"}, workload)`),
        variable('pod', 'Pod', `label_values(${info}{namespace=~"$namespace",workload=~"$workload"}, pod)`),
      ],
    },
    annotations: { list: [] },
    links: [],
    panels: layOut(ROWS),
  };
}

/** Ends with a line feed, as the formatter of this project's JSON has it. */
export function dashboardText(): string {
  return `${JSON.stringify(dashboard(), null, 2)}\n`;
}
