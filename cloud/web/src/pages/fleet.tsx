import type { ComponentChildren } from 'preact';
import type { DevicePage, FleetMap, FleetSummary, Series } from 'api-types';
import { useQuery, type Query } from '../api/query';
import { HealthMap, MapLegend, order_of, useCells, type Cells } from '../charts/health_map';
import { outages } from '../charts/series';
import { Sparkline } from '../charts/sparkline';
import { TimeChart } from '../charts/time_chart';
import { compact, count, duration, plural, rate, ratio } from '../format';
import { now, summary } from '../live/live';
import { waiting_alerts } from '../parts/shell';
import { place, set_query } from '../router';
import { Icon } from '../parts/icons';
import { Ago, Loaded, Loading, Message, Page, Panel } from '../parts/page';
import { health_look, health_order, HealthBadge, reason_word, SeverityBadge } from '../parts/state';
import { Segmented } from '../parts/segmented';
import { VirtualList } from '../parts/virtual_list';

const ranges = { '15m': 900, '1h': 3600, '6h': 21_600, '24h': 86_400 } as const;
type Range = keyof typeof ranges;

export function FleetPage() {
  const fleet = summary.value;
  const range = (place.value.query.get('range') ?? '1h') as Range;
  // The window moves by whole steps, so that its address, and what is known of it, lasts a while.
  const length = ranges[range] ?? 3600,
    step = length > 7200 ? 60 : 10;
  const to = Math.floor(now.value / 1000 / step) * step;
  const series = useQuery<Series>(`/fleet/series?from=${to - length}&to=${to}&step=${length > 43_200 ? 900 : step}`);
  const last = useLast(series);
  return (
    <Page
      title="Fleet"
      lead={
        fleet && (
          <>
            {plural(fleet.devices, 'device')}, {count(fleet.online)} connected
            {fleet.cloud_restored && '; the cloud forgot an earlier state'}
          </>
        )
      }
      wide
    >
      {fleet ? (
        fleet.devices === 0 ? (
          <NoDevices />
        ) : (
          <Overview fleet={fleet} series={last.data} />
        )
      ) : (
        <Loading rows={3} label="Loading the fleet" />
      )}
      {fleet && fleet.devices > 0 && (
        <div class="split">
          <MapPanel />
          <Attention rows={fleet.devices > 20_000 ? 11 : 7} />
        </div>
      )}
      {fleet && fleet.devices > 0 && (
        <Panel
          title="Timeline"
          actions={
            <Segmented
              name="range"
              label="Range"
              value={range}
              options={Object.keys(ranges).map((name) => [
                name,
                name.replace('m', '\u202fmin').replace('h', '\u202fh'),
              ])}
              choose={(name) => set_query({ range: name === '1h' ? null : name })}
            />
          }
        >
          <Loaded
            query={last}
            rows={6}
            empty={(data) =>
              data.t.length === 0 && (
                <Message icon="clock" title="Nothing recorded yet">
                  Points come ten seconds after the first device.
                </Message>
              )
            }
          >
            {(data) => <Timeline data={data} />}
          </Loaded>
        </Panel>
      )}
    </Page>
  );
}

// While the next window loads, the one before stays on the page.
const kept: { series: (Query<Series> & { again: () => void }) | null } = { series: null };
function useLast(query: Query<Series> & { again: () => void }): Query<Series> & { again: () => void } {
  if (query.data) kept.series = query;
  return query.data || !kept.series ? query : { ...kept.series, error: query.error, again: query.again };
}

const NoDevices = () => (
  <Panel title="No devices yet">
    <Message icon="device" title="No device has spoken to this cloud yet">
      <p>Start an agent with this cloud's broker in its configuration.</p>
      <p>
        <code>spillway-agent --config /etc/spillway/agent.toml</code>
      </p>
    </Message>
  </Panel>
);

function Overview({ fleet, series }: { fleet: FleetSummary; series: Series | null }) {
  const spark = (name: string) => series?.series[name]?.slice(-90);
  const there = spark('done_cloud');
  const tasks = spark('done_local')?.map((value, at) => (value === null ? null : value + (there?.[at] ?? 0)));
  return (
    <section class="overview" aria-label="Fleet at a glance">
      <div class="states">
        {(['operational', 'degraded', 'disconnected', 'updating'] as const).map((health) => (
          <StateTile key={health} health={health} fleet={fleet} />
        ))}
      </div>
      <HealthBar fleet={fleet} />
      <dl class="metrics">
        <Metric name="Tasks" value={rate(fleet.tasks_per_s)} unit="/s" note="finished, all places">
          <Sparkline values={tasks} />
        </Metric>
        <Metric name="Offloaded" value={ratio(fleet.offload_ratio)} note="done in the cloud">
          <Sparkline values={spark('offload')} tone="cloud" />
        </Metric>
        <Metric
          name="Local time"
          value={duration(fleet.local.p50_s)}
          note={
            <>
              p95 <b>{duration(fleet.local.p95_s)}</b>
            </>
          }
          lead="p50"
        >
          <Sparkline values={spark('local_p50')} tone="local" />
        </Metric>
        <Metric
          name="Cloud time"
          value={duration(fleet.cloud.p50_s)}
          note={
            <>
              p95 <b>{duration(fleet.cloud.p95_s)}</b>
            </>
          }
          lead="p50"
        >
          <Sparkline values={spark('cloud_p50')} tone="cloud" />
        </Metric>
        <Metric
          name="Edge backlog"
          value={compact(fleet.edge_backlog)}
          note={
            <>
              oldest <b>{duration(fleet.edge_oldest_s)}</b>
            </>
          }
        >
          <Sparkline values={spark('backlog')} />
        </Metric>
        <Metric
          name="Cloud queue"
          value={compact(fleet.cloud_queue)}
          note={
            <>
              oldest <b>{duration(fleet.cloud_oldest_s)}</b>
            </>
          }
        >
          <Sparkline values={spark('cloud_queue')} tone="cloud" />
        </Metric>
        <Metric name="Duplicates" value={compact(fleet.duplicates_suppressed)} note="suppressed">
          <Sparkline values={spark('duplicates')} tone="mute" />
        </Metric>
        <Metric name="Lost" value={compact(fleet.lost)} note="dropped" alarm={fleet.lost > 0}>
          <Sparkline values={spark('lost')} tone="mute" />
        </Metric>
      </dl>
    </section>
  );
}

function StateTile({ health, fleet }: { health: keyof FleetSummary['health']; fleet: FleetSummary }) {
  const { icon, tone, word } = health_look[health],
    n = fleet.health[health];
  return (
    <a class={`state-tile tone-${tone}${n === 0 ? ' none' : ''}`} href={`/devices?health=${health}`}>
      <span class="state-word">
        <Icon name={icon} />
        {word}
      </span>
      <span class="state-count">{count(n)}</span>
      <span class="state-share">{ratio(fleet.devices ? n / fleet.devices : 0)}</span>
    </a>
  );
}

function HealthBar({ fleet }: { fleet: FleetSummary }) {
  const others = (['sleeping', 'never_seen', 'quarantined', 'revoked'] as const).filter(
    (health) => fleet.health[health] > 0,
  );
  return (
    <div class="health-bar">
      <div class="bar" aria-hidden="true">
        {health_order.map(
          (health) =>
            fleet.health[health] > 0 && (
              <i key={health} style={{ flexGrow: fleet.health[health], background: `var(--map-${health})` }} />
            ),
        )}
      </div>
      {others.length > 0 && (
        <ul>
          {others.map((health) => (
            <li key={health}>
              <a href={`/devices?health=${health}`}>
                <HealthBadge health={health} plain /> <b>{count(fleet.health[health])}</b>
              </a>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

function Metric({
  name,
  value,
  unit,
  lead,
  note,
  alarm = false,
  children,
}: {
  name: string;
  value: string;
  unit?: string;
  lead?: string;
  note: ComponentChildren;
  alarm?: boolean;
  children?: ComponentChildren;
}) {
  return (
    <div class={`metric${alarm ? ' alarm' : ''}`}>
      <dt>{name}</dt>
      <dd class="metric-value">
        {alarm && <Icon name="warn" />}
        {lead && <small>{lead}</small>}
        {value}
        {unit && <small>{unit}</small>}
      </dd>
      <dd class="metric-note">{note}</dd>
      {children}
    </div>
  );
}

type MapView = 'name' | 'state' | 'table';
function MapPanel() {
  const view = (place.value.query.get('map') ?? 'name') as MapView;
  const query = useQuery<FleetMap>('/fleet/map', 120);
  const { cells, version } = useCells(query);
  return (
    <Panel
      title="Health map"
      class="map-panel"
      actions={
        <Segmented
          name="map"
          label="Order of the map"
          value={view}
          options={[
            ['name', 'By name'],
            ['state', 'By state'],
            ['table', 'Table'],
          ]}
          choose={(name) => set_query({ map: name === 'name' ? null : name })}
        />
      }
    >
      <Loaded query={query} rows={6}>
        {() =>
          cells && (
            <>
              {view === 'table' ? (
                <MapTable cells={cells} />
              ) : (
                <HealthMap cells={cells} version={version} by_state={view === 'state'} />
              )}
              <MapLegend cells={cells} version={version} />
            </>
          )
        }
      </Loaded>
    </Panel>
  );
}

// The map's twin: the same devices as rows, what needs somebody first.
function MapTable({ cells }: { cells: Cells }) {
  const order = order_of(cells, true)!;
  return (
    <VirtualList
      label="Health of every device"
      class="map-table"
      total={cells.ids.length}
      row={(index) => order[index]}
      columns={[
        { key: 'id', title: 'Device', cell: (at) => <a href={`/devices/${cells.ids[at]}`}>{cells.ids[at]}</a> },
        {
          key: 'health',
          title: 'State',
          cell: (at) => <HealthBadge health={health_order[cells.health[at]!]!} plain />,
        },
      ]}
    />
  );
}

function Attention({ rows }: { rows: number }) {
  const worst = useQuery<DevicePage>(`/devices?sort=-since&health=degraded,disconnected,quarantined&limit=${rows}`, 10);
  const waiting = waiting_alerts();
  const hardest = (['critical', 'warning', 'info'] as const).find((severity) =>
    waiting.some((alert) => alert.severity === severity),
  );
  return (
    <Panel
      title="Needs attention"
      class="attention"
      actions={<a href="/devices?health=degraded,disconnected,quarantined&sort=-since">All</a>}
    >
      {hardest && (
        <a class="alert-line" href="/alerts">
          <SeverityBadge severity={hardest} plain />
          <span>{plural(waiting.length, 'alert')} waiting for somebody</span>
          <Icon name="right" size={14} />
        </a>
      )}
      <Loaded
        query={worst}
        rows={6}
        empty={(data) =>
          data.items.length === 0 && (
            <Message icon="check" tone="ok" title="All is well">
              No device is degraded, disconnected or quarantined.
            </Message>
          )
        }
      >
        {(data) => (
          <ul class="rows">
            {data.items.map((device) => (
              <li key={device.id}>
                <a class="row-link" href={`/devices/${device.id}`}>
                  <b>{device.id}</b>
                  <span class="row-age">
                    <Ago at={device.since} />
                  </span>
                  <HealthBadge health={device.health} plain />
                  <span class="row-text">{device.reasons.map(reason_word).join(', ')}</span>
                </a>
              </li>
            ))}
          </ul>
        )}
      </Loaded>
    </Panel>
  );
}

function Timeline({ data }: { data: Series }) {
  const { t, series } = data;
  const shades = outages(t, series.online ?? []);
  return (
    <div class="timeline">
      <TimeChart
        title="Connected devices"
        t={t}
        lines={[{ name: 'Connected', values: series.online ?? [], tone: 'ok', fill: true }]}
        format={compact}
        shades={shades}
        least_top={1}
      />
      <TimeChart
        title="Edge backlog"
        t={t}
        lines={[{ name: 'Tasks queued', values: series.backlog ?? [], tone: 'accent', fill: true }]}
        format={compact}
        shades={shades}
        least_top={5}
      />
      <TimeChart
        title="Tasks per second, by place"
        t={t}
        stacked
        lines={[
          { name: 'Local', values: series.done_local ?? [], tone: 'local' },
          { name: 'Cloud', values: series.done_cloud ?? [], tone: 'cloud' },
        ]}
        format={rate}
        shades={shades}
        least_top={1}
      />
      {shades.length > 0 && (
        <p class="key">
          <i class="key-outage" />
          Shaded: many devices disconnected
        </p>
      )}
    </div>
  );
}
