import type { DispatchedEvent, DispatchedResult, DispatchedTaskDetail } from 'api-types';
import { may, send } from '../api/client';
import { useQuery } from '../api/query';
import { bytes, duration, left, sentence, words } from '../format';
import { Icon } from '../parts/icons';
import { Ago, Fact, Loaded, Message, Page, Panel } from '../parts/page';
import { DispatchedBadge } from '../parts/state';
import { number_of } from '../parts/task_table';
import { act } from '../parts/toast';
import { failure_meanings } from './failures';

const ended = (task: DispatchedTaskDetail): boolean =>
  ['succeeded', 'failed', 'cancelled', 'expired'].includes(task.state);

// One task that a device runs for an operator. Its owner is the cloud, so all of its history is here.
export function DispatchedTaskPage({ id }: { id: string }) {
  const query = useQuery<DispatchedTaskDetail>(`/tasks/dispatched/${id}`, 2);
  const task = query.data;
  return (
    <Page
      title={`Task ${number_of(id)}`}
      wide
      lead={
        task && (
          <>
            <DispatchedBadge task={task} /> <span>{task.kind}</span>{' '}
            <span>
              for <a href={`/devices/${task.device}`}>{task.device}</a>
            </span>
          </>
        )
      }
      actions={task && may('operate') && <Actions task={task} again={query.again} />}
    >
      <p class="crumbs">
        <a href="/tasks/dispatched">
          <Icon name="left" size={14} />
          All that was sent
        </a>
      </p>
      <Loaded query={query} rows={6}>
        {(data) => (
          <>
            {data.waits_because && (
              <ul class="reasons" aria-label="Why it waits">
                <li>
                  <Icon name="clock" />
                  <b>It waits</b>
                  <span>{data.waits_because}</span>
                </li>
              </ul>
            )}
            {data.state === 'failed' && data.last_failure !== 'none' && (
              <ul class="reasons" aria-label="Failure">
                <li class="tone-bad">
                  <Icon name="cross" />
                  <b>{sentence(words(data.last_failure))}</b>
                  <span>{data.result?.error?.message || failure_meanings[data.last_failure]}</span>
                </li>
              </ul>
            )}
            <div class="split even">
              <Outcome task={data} />
              <Facts task={data} />
            </div>
            <History events={data.events} />
          </>
        )}
      </Loaded>
    </Page>
  );
}

function Outcome({ task }: { task: DispatchedTaskDetail }) {
  return (
    <Panel title="Result">
      {task.result ? (
        <Value result={task.result} />
      ) : (
        <Message icon="clock" title={ended(task) ? 'It has none' : 'Not there yet'}>
          {ended(task)
            ? 'It ended before a device had one.'
            : 'It appears here as soon as the device’s answer is on disk.'}
        </Message>
      )}
    </Panel>
  );
}

function Value({ result }: { result: DispatchedResult }) {
  const size = Math.floor((result.value_base64url.length * 3) / 4);
  return (
    <>
      {result.error ? (
        <p class="prose">{result.error.message || sentence(words(result.error.code))}</p>
      ) : result.value_text === null ? (
        <p class="prose">{bytes(size)} that are no text.</p>
      ) : result.value_text === '' ? (
        <p class="prose">It is empty.</p>
      ) : (
        <pre class="command value" tabIndex={0} aria-label="Value">
          <code>{result.value_text.slice(0, 20_000)}</code>
        </pre>
      )}
      <dl class="facts">
        <Fact name="Size">{bytes(size)}</Fact>
        <Fact name="CPU">{duration(result.cpu_s)}</Fact>
      </dl>
    </>
  );
}

function Facts({ task }: { task: DispatchedTaskDetail }) {
  return (
    <Panel title="Facts">
      <dl class="facts">
        <Fact name="Submitted">
          <Ago at={task.created} />
        </Fact>
        <Fact name="In this state for">
          <Ago at={task.since} bare />
        </Fact>
        <Fact name="Deadline">{task.deadline ? left(task.deadline, Date.now()) : '–'}</Fact>
        <Fact name="Kind">{task.kind}</Fact>
        <Fact name="Band">{sentence(task.band)}</Fact>
        <Fact name="Granted">{task.grants === 1 ? 'once' : `${task.grants} times`}</Fact>
        <Fact name="Attempts used up">{task.attempts}</Fact>
        <Fact name="Crashes">{task.crashes}</Fact>
        <Fact name="Lost in a row">{task.losses}</Fact>
        <Fact name="Submission">
          <a href={`/tasks/dispatched/${task.group}`}>{number_of(task.group).split('x')[0]}</a>
        </Fact>
        <Fact name="Id">
          <code class="break">{task.id}</code>
        </Fact>
      </dl>
    </Panel>
  );
}

function History({ events }: { events: DispatchedEvent[] }) {
  return (
    <Panel title="History" note="newest first">
      {events.length === 0 ? (
        <Message icon="clock" title="Nothing is kept of it" />
      ) : (
        <ol class="events" tabIndex={0} aria-label="Events, newest first">
          {[...events].reverse().map((event, at) => (
            <li key={at}>
              <span class="row-age">
                <Ago at={event.at} />
              </span>
              <b>{sentence(words(event.what))}</b>
              <span>
                {[
                  event.epoch > 0 && `epoch ${event.epoch}`,
                  event.failure !== 'none' && words(event.failure),
                  event.detail,
                ]
                  .filter(Boolean)
                  .join(', ')}
              </span>
            </li>
          ))}
        </ol>
      )}
    </Panel>
  );
}

function Actions({ task, again }: { task: DispatchedTaskDetail; again: () => void }) {
  const ask = (verb: 'cancel' | 'retry', done: string): Promise<void> =>
    act(send('POST', `/tasks/${task.id}/${verb}`), done, again);
  if (!ended(task))
    return (
      <button class="button" onClick={() => ask('cancel', 'Cancelled')}>
        <Icon name="ban" />
        Cancel
      </button>
    );
  return task.state === 'succeeded' ? null : (
    <button class="button" onClick={() => ask('retry', 'It is tried again')}>
      <Icon name="turn" />
      Retry
    </button>
  );
}
