import type { DispatchedTaskPage, TaskGroup, TaskGroupPage } from 'api-types';
import { with_params } from '../api/client';
import { useQuery } from '../api/query';
import { count, plural } from '../format';
import { GroupBar, GroupWords, dispatched_states, unfinished, type DispatchedState } from '../parts/group_progress';
import { Icon } from '../parts/icons';
import { Ago, Loaded, Message, Page, Panel } from '../parts/page';
import { RunButton } from '../parts/run_tasks';
import { DispatchedTable } from '../parts/dispatched_table';
import { sent_look } from '../parts/state';
import { short_id } from '../parts/task_table';
import { place, set_query } from '../router';
import { TaskDirections } from './tasks';

const kEvery = 3; // seconds: this is read, the stream does not carry it

// What operators sent to devices: by submission, and one by one when a filter asks for it.
export function DispatchedPage() {
  const groups = useQuery<TaskGroupPage>('/task-groups?limit=20', kEvery);
  return (
    <Page
      title="Tasks"
      lead="newest first"
      wide
      actions={
        <>
          <TaskDirections value="dispatched" />
          <RunButton primary aim={{ select: {} }} whom="every device of the fleet" />
        </>
      }
    >
      <Groups query={groups} />
      {(groups.data?.items.length || (groups.error && groups.error.status !== 403)) && <DispatchedTasks />}
    </Page>
  );
}

function Groups({ query }: { query: ReturnType<typeof useQuery<TaskGroupPage>> }) {
  return (
    <Panel title="Submissions" note={query.data?.next ? 'the newest 20' : ''}>
      <Loaded
        query={query}
        rows={4}
        empty={(data) =>
          data.items.length === 0 && (
            <Message icon="tasks" title="Nothing was sent to a device yet">
              Choose devices by a filter of their list, then Run a task.
            </Message>
          )
        }
      >
        {(data) => (
          <ul class="groups">
            {data.items.map((group) => (
              <GroupRow key={group.id} group={group} />
            ))}
          </ul>
        )}
      </Loaded>
    </Panel>
  );
}

function GroupRow({ group }: { group: TaskGroup }) {
  const left = unfinished(group);
  return (
    <li>
      <a class="group-name" href={`/tasks/dispatched/${group.id}`}>
        <b>{group.kind ?? 'Forgotten'}</b> on {plural(group.size, 'device')}
      </a>
      <span class="row-age">
        <span class="mono" title={group.id}>
          {short_id(group.id)}
        </span>{' '}
        · <Ago at={group.created} />
      </span>
      <GroupBar group={group} />
      <GroupWords group={group} />
      <span class="quiet group-left">{left ? `${count(left)} to go` : 'all ended'}</span>
    </li>
  );
}

function DispatchedTasks() {
  const { query } = place.value;
  const state = query.get('state') as DispatchedState | null,
    device = query.get('device') ?? '';
  const list = useQuery<DispatchedTaskPage>(
    with_params('/tasks/dispatched', { state: state ?? '', device, limit: 100 }),
    kEvery,
  );
  const filtered = !!state || !!device;
  return (
    <>
      <div class="filters">
        <div class="chips" role="group" aria-label="State">
          {dispatched_states.map((one) => (
            <button
              key={one}
              class={`chip tone-${sent_look[one].tone}`}
              aria-pressed={state === one}
              onClick={() => set_query({ state: state === one ? null : one })}
            >
              <Icon name={sent_look[one].icon} size={14} />
              {sent_look[one].word}
            </button>
          ))}
        </div>
        {device && (
          <button class="chip" aria-pressed="true" onClick={() => set_query({ device: null })}>
            {device}
            <span aria-hidden="true">×</span>
            <span class="hidden">remove this filter</span>
          </button>
        )}
        {filtered && (
          <button class="text-button" onClick={() => set_query({ state: null, device: null })}>
            Clear
          </button>
        )}
      </div>
      <Panel
        title="One by one"
        note={list.data?.next ? 'the newest 100' : list.data ? plural(list.data.items.length, 'task') : ''}
      >
        <Loaded
          query={list}
          rows={8}
          empty={(data) =>
            data.items.length === 0 &&
            (filtered ? (
              <Message icon="search" title="No task matches">
                <button class="button" onClick={() => set_query({ state: null, device: null })}>
                  Show all of them
                </button>
              </Message>
            ) : (
              <Message icon="tasks" title="All of it is forgotten" />
            ))
          }
        >
          {(data) => <DispatchedTable label="Tasks, newest first" tasks={data.items} />}
        </Loaded>
      </Panel>
    </>
  );
}
