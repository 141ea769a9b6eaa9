import { useSignal } from '@preact/signals';
import { useEffect, useState } from 'preact/hooks';
import type {
  BulkOutcome,
  Device,
  DeviceSeries,
  EventPage,
  LossList,
  Session,
  DispatchedTaskPage,
  SessionList,
  OffloadedTaskPage,
} from 'api-types';
import { may, send } from '../api/client';
import { useQuery } from '../api/query';
import { TimeChart } from '../charts/time_chart';
import { bytes, celsius, compact, count, duration, plural, ratio, sentence, words } from '../format';
import { now, on_changes } from '../live/live';
import { Dialog } from '../parts/dialog';
import { Icon } from '../parts/icons';
import { Ago, Fact, Loaded, Message, Page, Panel } from '../parts/page';
import { event_word, HealthBadge, reason_word } from '../parts/state';
import { RunButton } from '../parts/run_tasks';
import { DispatchedTable } from '../parts/dispatched_table';
import { Table } from '../parts/table';
import { TaskTable } from '../parts/task_table';
import { act } from '../parts/toast';
import { Connectivity } from '../charts/connectivity';
import { because, told, type Told } from './told';

export function DevicePage({ id }: { id: string }) {
  const [changes, set_changes] = useState(0);
  useEffect(
    () =>
      on_changes(({ devices }) => {
        if (devices.some((device) => device.id === id)) set_changes((before) => before + 1);
      }),
    [id],
  );
  const query = useQuery<Device>(`/devices/${id}`, 30);
  useEffect(() => {
    if (changes) query.again();
  }, [changes]);
  const device = query.data;
  return (
    <Page
      title={id}
      wide
      lead={
        device && (
          <>
            <HealthBadge health={device.health} />{' '}
            {device.since && (
              <span>
                for <Ago at={device.since} bare />
              </span>
            )}
          </>
        )
      }
      actions={
        device &&
        may('operate') && (
          <>
            <RunButton aim={{ devices: [id] }} whom={id} />
            <QuarantineButton device={device} again={query.again} />
          </>
        )
      }
    >
      <p class="crumbs">
        <a href="/devices">
          <Icon name="left" size={14} />
          All devices
        </a>
      </p>
      <Loaded query={query} rows={8}>
        {(data) => <Sections device={data} />}
      </Loaded>
    </Page>
  );
}

function Sections({ device }: { device: Device }) {
  const tel = told(device);
  return (
    <>
      {device.reasons.length > 0 && (
        <ul class="reasons" aria-label="Why">
          {device.reasons.map((reason) => (
            <li key={reason}>
              <Icon name="warn" />
              <b>{reason_word(reason)}</b>
              <span>{because(reason, device, tel)}</span>
            </li>
          ))}
        </ul>
      )}
      {device.measured ? (
        <Strip device={device} tel={tel} />
      ) : (
        <Panel title="Now">
          <Message icon="dashed" title="It has told nothing yet">
            Telemetry comes once its agent is connected.
          </Message>
        </Panel>
      )}
      <div class="split even">
        <History id={device.id} />
        <Sessions id={device.id} />
      </div>
      <Tasks id={device.id} />
      <Dispatched id={device.id} />
      <div class="split even">
        <Losses id={device.id} />
        <Events id={device.id} />
      </div>
      <Configuration device={device} />
    </>
  );
}

function Gauge({
  name,
  value,
  note,
  share,
  tone = 'accent',
}: {
  name: string;
  value: string;
  note?: string;
  share?: number | null;
  tone?: string;
}) {
  return (
    <div class="gauge">
      <dt>{name}</dt>
      <dd class="gauge-value">{value}</dd>
      {share != null && (
        <dd class="meter" aria-hidden="true">
          <i style={{ width: `${Math.min(1, Math.max(0, share)) * 100}%`, background: `var(--${tone})` }} />
        </dd>
      )}
      {note && <dd class="gauge-note">{note}</dd>}
    </div>
  );
}

function Strip({ device, tel }: { device: Device; tel: Told }) {
  const battery = device.battery_ratio;
  const [urgent = 0, high = 0, normal = 0, background = 0] = tel.bands;
  const bands = [
    [urgent, 'urgent'],
    [high, 'high'],
    [normal, 'normal'],
    [background, 'background'],
    [tel.waiting, 'waiting'],
  ] as const;
  const named = bands
    .filter(([n]) => n > 0)
    .map(([n, name]) => `${compact(n)} ${name}`)
    .join(', ');
  return (
    <Panel
      title="Now"
      note={
        <>
          as told <Ago at={device.measured} />
        </>
      }
    >
      <dl class="gauges">
        <Gauge name="Queued" value={compact(device.backlog)} note={named || 'nothing waits'} />
        <Gauge
          name="Running"
          value={count(device.running)}
          note={`of ${plural(device.workers, 'worker')}; ${count(tel.running_there)} in the cloud`}
          share={device.workers ? device.running / device.workers : null}
          tone="local"
        />
        <Gauge
          name="Outbox"
          value={compact(device.outbox)}
          note={device.outbox ? `oldest ${duration(device.outbox_oldest_s)}` : 'all acknowledged'}
        />
        <Gauge
          name="Offloaded"
          value={ratio(tel.offloaded)}
          share={tel.offloaded}
          note="since it started"
          tone="cloud"
        />
        <Gauge
          name="CPU"
          value={ratio(device.cpu_ratio)}
          note={
            device.cores_ratio.length > 1
              ? `cores ${device.cores_ratio.map((one) => Math.round(one * 100)).join(', ')} %`
              : ''
          }
          share={device.cpu_ratio}
        />
        <Gauge
          name="Memory"
          value={bytes(tel.memory_used)}
          note={tel.memory_total === null ? '' : `of ${bytes(tel.memory_total)}`}
          share={device.memory_ratio}
        />
        <Gauge
          name="Temperature"
          value={celsius(device.temperature_celsius)}
          note={tel.throttled ? 'its clock is held down' : ''}
          share={device.temperature_celsius === null ? null : device.temperature_celsius / 100}
          tone={tel.throttled ? 'warn' : 'accent'}
        />
        <Gauge
          name="Disk free"
          value={bytes(device.disk_free_bytes)}
          note={`store ${bytes(tel.store)}, written ${bytes(tel.flash)}`}
          share={tel.disk}
          tone={tel.disk !== null && tel.disk < 0.1 ? 'warn' : 'accent'}
        />
        <Gauge
          name="Link"
          value={sentence(tel.link)}
          note={`RTT ${duration(device.rtt_s)}, ${ratio(device.loss_ratio)} lost, ${bytes(tel.bandwidth)}/s up`}
        />
        <Gauge
          name="Power"
          value={
            battery === null ? (tel.on_battery === null ? '–' : tel.on_battery ? 'Battery' : 'Mains') : ratio(battery)
          }
          note={battery === null ? '' : tel.on_battery ? 'on battery' : 'on mains'}
          share={battery}
          tone={battery !== null && battery < 0.2 ? 'warn' : 'accent'}
        />
        <Gauge name="Clock error" value={duration(tel.clock_error_s)} note={`set by ${tel.clock_source}`} />
        <Gauge
          name="Certificate"
          value={tel.certificate_s === null ? '–' : duration(tel.certificate_s - now.value / 1000)}
          note={tel.certificate_s === null ? '' : 'until it expires'}
        />
      </dl>
    </Panel>
  );
}

function History({ id }: { id: string }) {
  const query = useQuery<DeviceSeries>(`/devices/${id}/telemetry?metrics=backlog,cpu,rtt`, 10);
  return (
    <Panel title="Last hour">
      <Loaded
        query={query}
        rows={6}
        empty={(data) => data.t.length === 0 && <Message icon="clock" title="Nothing recorded in the last hour" />}
      >
        {({ t, mean, max }) => (
          <div class="timeline">
            <TimeChart
              title="Queued tasks"
              t={t}
              sync={id}
              height={104}
              lines={[{ name: 'Queued', values: max.backlog ?? [], tone: 'accent', fill: true }]}
              format={compact}
              least_top={5}
            />
            <TimeChart
              title="CPU"
              t={t}
              sync={id}
              height={104}
              lines={[{ name: 'CPU', values: mean.cpu ?? [], tone: 'local', fill: true }]}
              format={ratio}
              least_top={1}
            />
            <TimeChart
              title="Round trip"
              t={t}
              sync={id}
              height={104}
              lines={[{ name: 'RTT', values: mean.rtt ?? [], tone: 'cloud', fill: true }]}
              format={duration}
              least_top={0.01}
            />
          </div>
        )}
      </Loaded>
    </Panel>
  );
}

const endings: Partial<Record<NonNullable<Session['ended']>, string>> = {
  goodbye: 'said goodbye',
  will: 'connection broke',
  heartbeats_missed: 'fell silent',
};
function Sessions({ id }: { id: string }) {
  const query = useQuery<SessionList>(`/devices/${id}/sessions?limit=100`, 30);
  return (
    <Panel title="Connectivity" note="last 24 h">
      <Loaded
        query={query}
        empty={(data) => data.items.length === 0 && <Message icon="link" title="Never connected" />}
      >
        {(data) => (
          <>
            <Connectivity sessions={data.items} now={now.value} />
            <Table
              label="Sessions"
              box="short"
              rows={data.items.slice(0, 50)}
              id={({ from }) => from}
              columns={[
                ['Session', ({ session }) => session, 'right'],
                ['From', ({ from }) => <Ago at={from} />],
                [
                  'Length',
                  ({ from, until }) =>
                    duration(Math.round(((until ? Date.parse(until) : now.value) - Date.parse(from)) / 1000)),
                ],
                [
                  'How it ended',
                  ({ until, ended }) =>
                    until === null ? (
                      <span class="badge plain tone-ok">
                        <Icon name="check" size={14} />
                        connected
                      </span>
                    ) : ended ? (
                      (endings[ended] ?? ended)
                    ) : (
                      'connected anew'
                    ),
                ],
              ]}
            />
          </>
        )}
      </Loaded>
    </Panel>
  );
}

function Tasks({ id }: { id: string }) {
  const query = useQuery<OffloadedTaskPage>(`/devices/${id}/tasks/offloaded?limit=12`, 10);
  return (
    <Panel title="Tasks offloaded by it" note="to this cloud" actions={<a href={`/tasks?device=${id}`}>All of them</a>}>
      <Loaded
        query={query}
        empty={(data) =>
          data.items.length === 0 && (
            <Message icon="tasks" title="None at the moment">
              What the device runs itself stays on the device: <code>spillway ls</code> shows it there.
            </Message>
          )
        }
      >
        {(data) => <TaskTable label="Tasks of this device" tasks={data.items} with_device={false} />}
      </Loaded>
    </Panel>
  );
}

function Dispatched({ id }: { id: string }) {
  const query = useQuery<DispatchedTaskPage>(`/tasks/dispatched?device=${id}&limit=12`, 5);
  return (
    <Panel
      title="Tasks dispatched to it"
      note="by operators of this cloud"
      actions={<a href={`/tasks/dispatched?device=${id}`}>All of them</a>}
    >
      <Loaded query={query} empty={(data) => data.items.length === 0 && <Message icon="tasks" title="None yet" />}>
        {(data) => <DispatchedTable label="Dispatched" tasks={data.items} with_device={false} />}
      </Loaded>
    </Panel>
  );
}

function Losses({ id }: { id: string }) {
  const query = useQuery<LossList>(`/devices/${id}/losses`, 30);
  return (
    <Panel title="Loss ledger" note="everything it ever dropped">
      <Loaded query={query}>
        {(data) => (
          <Table
            label="Losses"
            rows={data.items}
            id={(loss) => loss.class + loss.cause}
            empty={<Message icon="check" tone="ok" title="Nothing was ever dropped" />}
            columns={[
              ['What', (loss) => sentence(words(loss.class))],
              ['Cause', ({ cause }) => words(cause)],
              ['Count', (loss) => (loss.at_least ? '≥ ' : '') + count(loss.count), 'right'],
              ['First', ({ from }) => <Ago at={from} />],
              ['Last', ({ until }) => <Ago at={until} />],
            ]}
          />
        )}
      </Loaded>
    </Panel>
  );
}

function Events({ id }: { id: string }) {
  const query = useQuery<EventPage>(`/devices/${id}/events?limit=30`, 15);
  return (
    <Panel title="Events">
      <Loaded
        query={query}
        empty={(data) => data.items.length === 0 && <Message icon="clock" title="Nothing happened yet" />}
      >
        {(data) => (
          <ol class="events" tabIndex={0} aria-label="Events, newest first">
            {data.items.map((event) => (
              <li key={event.id}>
                <span class="row-age">
                  <Ago at={event.at} />
                </span>
                <b>{event_word(event)}</b>
                <span>{event.detail}</span>
              </li>
            ))}
          </ol>
        )}
      </Loaded>
    </Panel>
  );
}

function Configuration({ device }: { device: Device }) {
  return (
    <Panel title="Configuration">
      <dl class="facts">
        <Fact name="Machine">{device.machine || '–'}</Fact>
        <Fact name="Agent">{device.version || '–'}</Fact>
        <Fact name="Kernel">{device.kernel || '–'}</Fact>
        <Fact name="Workers">{device.workers}</Fact>
        <Fact name="Memory">{bytes(device.memory_bytes)}</Fact>
        <Fact name="Session">{device.session}</Fact>
        <Fact name="First seen">
          <Ago at={device.first_seen} />
        </Fact>
        <Fact name="Last seen">
          <Ago at={device.last_seen} />
        </Fact>
        {device.note && <Fact name="Note">{device.note}</Fact>}
        <Fact name="Group">
          {device.group ? <a href={`/devices?group=${encodeURIComponent(device.group)}`}>{device.group}</a> : '–'}
        </Fact>
        <Fact name="Labels">
          {device.labels.length ? (
            <span class="tags">
              {device.labels.map((label) => (
                <a class="tag" key={label} href={`/devices?label=${encodeURIComponent(label)}`}>
                  {label}
                </a>
              ))}
            </span>
          ) : (
            '–'
          )}
        </Fact>
        <Fact name="Tags">
          {device.tags.length ? (
            <span class="tags">
              {device.tags.map((tag) => (
                <span class="tag" key={tag}>
                  {tag}
                </span>
              ))}
            </span>
          ) : (
            '–'
          )}
        </Fact>
        <Fact name="Kinds">
          {device.kinds.length ? (
            <span class="tags">
              {device.kinds.map((kind) => (
                <a class="tag" key={kind.name} href={`/devices?kind=${encodeURIComponent(kind.name)}`}>
                  {kind.name} <small>v{kind.version}</small>
                </a>
              ))}
            </span>
          ) : (
            '–'
          )}
        </Fact>
      </dl>
    </Panel>
  );
}

function QuarantineButton({ device, again }: { device: Device; again: () => void }) {
  const open = useSignal(false);
  const held = device.health === 'quarantined';
  const turn = (): void => {
    open.value = false;
    const change = send<BulkOutcome>('POST', '/devices/actions', {
      action: held ? 'release' : 'quarantine',
      select: { ids: [device.id] },
    });
    void act(change, `${device.id} is ${held ? 'released' : 'quarantined'}`, again);
  };
  return (
    <>
      <button
        class="button"
        onClick={() => {
          open.value = true;
        }}
      >
        <Icon name="lock" />
        {held ? 'Release…' : 'Quarantine…'}
      </button>
      {open.value && (
        <Dialog
          title={held ? `Release ${device.id}?` : `Quarantine ${device.id}?`}
          close={() => {
            open.value = false;
          }}
        >
          <p>
            {held
              ? 'The cloud takes work from it again.'
              : 'The cloud drops its work and takes no more until it is released.'}
          </p>
          <div class="actions">
            <button
              class="button"
              onClick={() => {
                open.value = false;
              }}
            >
              Cancel
            </button>
            <button class="button primary" onClick={turn}>
              {held ? 'Release' : 'Quarantine'}
            </button>
          </div>
        </Dialog>
      )}
    </>
  );
}
