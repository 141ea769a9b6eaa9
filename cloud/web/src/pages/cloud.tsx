import type { ComponentChildren } from 'preact';
import type { AuditPage, Cloud, KindList } from 'api-types';
import { may } from '../api/client';
import { useQuery } from '../api/query';
import { bytes, compact, count, duration, plural, ratio, sentence, words } from '../format';
import { summary } from '../live/live';
import { Icon } from '../parts/icons';
import { Ago, Fact, Loaded, Message, Page, Panel } from '../parts/page';
import { Badge } from '../parts/state';
import { Table } from '../parts/table';
import { Sessions, Tokens } from './tokens';

export function CloudPage() {
  const query = useQuery<Cloud>('/cloud', 5);
  const cloud = query.data;
  return (
    <Page
      title="Cloud"
      wide
      lead={
        cloud && (
          <>
            <span>{cloud.name}</span> <span>version {cloud.version}</span>{' '}
            <span>up {duration(Math.round(cloud.uptime_s))}</span>
          </>
        )
      }
    >
      <Loaded query={query} rows={6}>
        {(data) => (
          <>
            {data.draining && (
              <ul class="reasons" aria-label="State">
                <li>
                  <Icon name="warn" />
                  <b>Draining</b>
                  <span>It accepts nothing new.</span>
                </li>
              </ul>
            )}
            <div class="cards">
              <Broker cloud={data} />
              <Store cloud={data} />
              <Pool cloud={data} />
              <Http cloud={data} />
            </div>
            <Counters cloud={data} />
          </>
        )}
      </Loaded>
      <Kinds />
      {may('admin') && (
        <div class="split even">
          <div>
            <Tokens />
            <Sessions />
          </div>
          <Audit />
        </div>
      )}
    </Page>
  );
}

const Card = ({ title, state, children }: { title: string; state: ComponentChildren; children: ComponentChildren }) => (
  <section class="panel card" aria-label={title}>
    <header class="panel-head">
      <h2>{title}</h2>
      {state}
    </header>
    <dl class="facts one">{children}</dl>
  </section>
);
const ok = (word: string) => <Badge plain look={{ icon: 'check', tone: 'ok', word }} />;
const bad = (word: string) => <Badge plain look={{ icon: 'cross', tone: 'bad', word }} />;

const Broker = ({ cloud }: { cloud: Cloud }) => (
  <Card title="Broker" state={cloud.broker.connected ? ok('Connected') : bad('Disconnected')}>
    <Fact name="Address">
      <code class="break">{cloud.broker.uri}</code>
    </Fact>
  </Card>
);
function Store({ cloud }: { cloud: Cloud }) {
  const { directory, bytes: size, free_bytes } = cloud.store;
  return (
    <Card
      title="Store"
      state={
        free_bytes < 256 * 2 ** 20 ? (
          <Badge plain look={{ icon: 'warn', tone: 'warn', word: 'Disk low' }} />
        ) : (
          ok('Healthy')
        )
      }
    >
      <Fact name="Folder">
        <code class="break">{directory}</code>
      </Fact>
      <Fact name="Size">{bytes(size)}</Fact>
      <Fact name="Disk free">{bytes(free_bytes)}</Fact>
    </Card>
  );
}
const Pool = ({ cloud }: { cloud: Cloud }) => (
  <Card
    title="Work"
    state={cloud.draining ? <Badge plain look={{ icon: 'warn', tone: 'warn', word: 'Draining' }} /> : ok('Accepting')}
  >
    <Fact name="Attempts held">{count(cloud.held)}</Fact>
    <Fact name="Queued">{compact(summary.value?.cloud_queue)}</Fact>
    <Fact name="Oldest">{duration(summary.value?.cloud_oldest_s)}</Fact>
  </Card>
);
const Http = ({ cloud }: { cloud: Cloud }) => (
  <Card title="HTTP" state={ok('Serving')}>
    <Fact name="Connections">{count(cloud.http.connections)}</Fact>
    <Fact name="Event streams">{count(cloud.http.streams)}</Fact>
  </Card>
);

const meanings: Record<keyof Cloud['counters'], string> = {
  accepted: 'attempts taken',
  refused: 'sent back',
  done: 'run to the end',
  failed: 'ended in an error',
  answered: 'acknowledged',
  repeated: 'offers seen again',
  malformed: 'messages dropped',
  barred: 'of barred devices',
  flooding: 'too many',
  damaged: 'results spoiled',
};
function Counters({ cloud }: { cloud: Cloud }) {
  return (
    <Panel title="Since it started">
      <dl class="metrics plain">
        {Object.entries(meanings).map(([name, meaning]) => (
          <div class="metric" key={name}>
            <dt>{sentence(name)}</dt>
            <dd class="metric-value">{compact(cloud.counters[name as keyof Cloud['counters']])}</dd>
            <dd class="metric-note">{meaning}</dd>
          </div>
        ))}
      </dl>
    </Panel>
  );
}

function Kinds() {
  const query = useQuery<KindList>('/kinds', 5);
  return (
    <Panel title="Kinds" note="since it started">
      <Loaded query={query}>
        {(data) => (
          <Table
            label="Kinds"
            rows={data.items}
            id={({ name }) => name}
            empty={
              <Message icon="tasks" title="It runs no kinds">
                Name plugins or commands.
              </Message>
            }
            columns={[
              ['Kind', ({ name }) => <a href={`/tasks?kind=${encodeURIComponent(name)}`}>{name}</a>],
              ['Accepted', ({ accepted }) => compact(accepted), 'right'],
              ['Done', ({ done }) => compact(done), 'right'],
              [
                'Failed',
                ({ done, failed }) =>
                  failed > 0 ? (
                    <span class="tone-bad">
                      {compact(failed)} ({ratio(failed / Math.max(1, done + failed))})
                    </span>
                  ) : (
                    '0'
                  ),
                'right',
              ],
              ['Run, p50', ({ run }) => duration(run.p50_s), 'right'],
              ['p95', ({ run }) => duration(run.p95_s), 'right'],
            ]}
          />
        )}
      </Loaded>
    </Panel>
  );
}

function Audit() {
  const query = useQuery<AuditPage>('/audit?limit=20', 30);
  return (
    <Panel title="Audit" note={query.data ? plural(query.data.items.length, 'newest write', 'newest writes') : ''}>
      <Loaded query={query} need="admin">
        {(data) => (
          <Table
            label="Audit"
            rows={data.items}
            id={({ seq }) => seq}
            empty={<Message icon="eye" title="Nothing was written yet" />}
            columns={[
              ['When', ({ at }) => <Ago at={at} />, 'nowrap'],
              ['Who', ({ who }) => who],
              ['What', ({ operation }) => words(operation.replace(/([A-Z])/g, '_$1').toLowerCase())],
              ['On', ({ target }) => target],
              ['Status', ({ status }) => (status < 400 ? status : <span class="tone-bad">{status}</span>), 'right'],
            ]}
          />
        )}
      </Loaded>
    </Panel>
  );
}
