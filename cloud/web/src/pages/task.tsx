import type { Placement, OffloadedTask, Trace } from 'api-types';
import { useQuery } from '../api/query';
import { Waterfall } from '../charts/waterfall';
import { duration, sentence, words } from '../format';
import { now } from '../live/live';
import { Icon } from '../parts/icons';
import { Ago, Fact, Loaded, Message, Page, Panel } from '../parts/page';
import { TaskBadge } from '../parts/state';
import { number_of, waited } from '../parts/task_table';
import { failure_meanings } from './failures';

export function TaskDetailPage({ id }: { id: string }) {
  const name = encodeURIComponent(id);
  const query = useQuery<OffloadedTask>(`/tasks/offloaded/${name}`, 3);
  const trace = useQuery<Trace>(query.data ? `/tasks/${name}/trace` : null, 3);
  const task = query.data;
  return (
    <Page
      title={`Task ${number_of(id)}`}
      wide
      lead={
        task && (
          <>
            <TaskBadge task={task} /> <span>{task.kind}</span>{' '}
            <span>
              from <a href={`/devices/${task.device}`}>{task.device}</a>
            </span>
          </>
        )
      }
    >
      <p class="crumbs">
        <a href="/tasks">
          <Icon name="left" size={14} />
          All tasks
        </a>
      </p>
      <Loaded query={query} rows={6}>
        {(data) => (
          <>
            {data.failure !== 'none' && (
              <ul class="reasons" aria-label="Failure">
                <li class="tone-bad">
                  <Icon name="cross" />
                  <b>{sentence(words(data.failure))}</b>
                  <span>{failure_meanings[data.failure]}</span>
                </li>
              </ul>
            )}
            <Panel title="Where its time went">
              <Loaded
                query={trace}
                rows={4}
                empty={(held) =>
                  held.spans.length === 0 && <Message icon="clock" title="No spans are kept of this task" />
                }
              >
                {(held) => (
                  <>
                    <Waterfall trace={held} now_s={(now.value - Date.parse(held.began)) / 1000} />
                    <p class="key pad">{held.missing}</p>
                  </>
                )}
              </Loaded>
            </Panel>
            <div class="split even">
              <Why task={data} />
              <Facts task={data} />
            </div>
          </>
        )}
      </Loaded>
    </Page>
  );
}

const figures = ['wait', 'transfer', 'run', 'slow', 'score'] as const;

// In the words and figures of the task's owner, which is the device.
function Why({ task }: { task: OffloadedTask }) {
  const query = useQuery<Placement>(`/tasks/${task.id}/placement`, 3);
  return (
    <Panel title="Placement">
      <Loaded
        query={query}
        rows={3}
        empty={(held) =>
          !held.explanation && (
            <Message icon="clock" title="Its device tells none">
              {held.missing}
            </Message>
          )
        }
      >
        {({ explanation: why }) =>
          why && (
            <>
              <p class="prose">
                <b>{why.chosen}</b>: {why.dominant}
              </p>
              <div class="table-box" tabIndex={0} role="region" aria-label="Placement">
                <table class="table">
                  <thead>
                    <tr>
                      <th>Place</th>
                      {figures.map((name) => (
                        <th key={name}>{sentence(name)}</th>
                      ))}
                    </tr>
                  </thead>
                  <tbody>
                    {why.candidates.map((one) => (
                      <tr key={one.place}>
                        <td>{one.place}</td>
                        {one.eligible ? (
                          figures.map((name) => <td key={name}>{duration(one[`${name}_s`])}</td>)
                        ) : (
                          <td colSpan={5}>{one.reason}</td>
                        )}
                      </tr>
                    ))}
                  </tbody>
                </table>
              </div>
            </>
          )
        }
      </Loaded>
    </Panel>
  );
}

function Facts({ task }: { task: OffloadedTask }) {
  return (
    <Panel title="Facts">
      <dl class="facts">
        <Fact name="Accepted">
          <Ago at={task.accepted} />
        </Fact>
        <Fact name="Started">{task.started ? <Ago at={task.started} /> : 'not yet'}</Fact>
        <Fact name="Ended">{task.ended ? <Ago at={task.ended} /> : 'not yet'}</Fact>
        <Fact name="Waited">{task.started ? duration(waited(task)) : '–'}</Fact>
        <Fact name="Ran">{duration(task.ran_s)}</Fact>
        <Fact name="CPU">{duration(task.cpu_s)}</Fact>
        <Fact name="Kind">
          <a href={`/tasks?kind=${encodeURIComponent(task.kind)}`}>{task.kind}</a>
        </Fact>
        <Fact name="Band">{sentence(task.band)}</Fact>
        <Fact name="Epoch">{task.epoch}</Fact>
        <Fact name="Id">
          <code class="break">{task.id}</code>
        </Fact>
      </dl>
    </Panel>
  );
}
