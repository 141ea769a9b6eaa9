import { useEffect, useMemo, useState } from 'preact/hooks';
import type { KindList, OffloadedTask, OffloadedTaskPage } from 'api-types';
import { with_params } from '../api/client';
import { useQuery } from '../api/query';
import { Histogram } from '../charts/histogram';
import { count, plural, words } from '../format';
import { heard_since, on_changes } from '../live/live';
import { TaskFlow } from '../live/task_flow';
import { Icon } from '../parts/icons';
import { Loaded, Message, Page, Panel } from '../parts/page';
import { task_look } from '../parts/state';
import { TaskTable, waited } from '../parts/task_table';
import { Segmented } from '../parts/segmented';
import { go, place, set_query } from '../router';
import { toggled } from './device_query';

const states = ['accepted', 'running', 'done', 'answered'] as const;
const kRows = 100;

function matches(query: URLSearchParams): (task: OffloadedTask) => boolean {
  const state = (query.get('state') ?? '').split(',').filter(Boolean),
    device = query.get('device'),
    kind = query.get('kind'),
    failed = query.get('failed') === 'true';
  return (task) =>
    (!state.length || state.includes(task.state)) &&
    (!device || task.device === device) &&
    (!kind || task.kind === kind) &&
    (!failed || task.failure !== 'none');
}

export function TasksPage() {
  const { query } = place.value;
  const state = (query.get('state') ?? '').split(',').filter(Boolean),
    failed = query.get('failed') === 'true';
  const path = with_params('/tasks/offloaded', {
    state,
    device: query.get('device') ?? '',
    kind: query.get('kind') ?? '',
    failed: failed || undefined,
    limit: kRows,
  });
  const list = useQuery<OffloadedTaskPage>(path);
  const kinds = useQuery<KindList>('/kinds');
  const [, set_version] = useState(0);
  const flow = useMemo(() => new TaskFlow(kRows, matches(query)), [path]);
  useEffect(() => {
    if (!list.data) return;
    flow.start(list.data.items);
    for (const { tasks } of heard_since(list.asked)) flow.take(tasks);
    set_version((before) => before + 1);
  }, [list.data, flow]);
  useEffect(
    () =>
      on_changes(({ tasks }) => {
        if (tasks.length === 0) return;
        flow.take(tasks);
        set_version((before) => before + 1);
      }),
    [flow],
  );
  const hold = (held: boolean): void => {
    flow.hold(held);
    set_version((before) => before + 1);
  };
  const filtered = query.size > 0;

  return (
    <Page title="Tasks" lead="newest first" wide actions={<TaskDirections value="offloaded" />}>
      <div class="filters">
        <div class="chips" role="group" aria-label="State">
          {states.map((one) => (
            <button
              key={one}
              class={`chip tone-${task_look[one].tone}`}
              aria-pressed={state.includes(one)}
              onClick={() => set_query({ state: toggled(state, one).join(',') || null })}
            >
              <Icon name={task_look[one].icon} size={14} />
              {task_look[one].word}
            </button>
          ))}
          <button
            class="chip tone-bad"
            aria-pressed={failed}
            onClick={() => set_query({ failed: failed ? null : 'true' })}
          >
            <Icon name="cross" size={14} />
            Failed
          </button>
        </div>
        <label class="select">
          <span>Kind</span>
          <select
            value={query.get('kind') ?? ''}
            onChange={(event) => set_query({ kind: event.currentTarget.value || null })}
          >
            <option value="">All</option>
            {kinds.data?.items.map((kind) => (
              <option key={kind.name} value={kind.name}>
                {kind.name}
              </option>
            ))}
          </select>
        </label>
        {query.get('device') && (
          <button class="chip" aria-pressed="true" onClick={() => set_query({ device: null })}>
            {query.get('device')}
            <span aria-hidden="true">×</span>
            <span class="hidden">remove this filter</span>
          </button>
        )}
        {filtered && (
          <button
            class="text-button"
            onClick={() => set_query({ state: null, failed: null, kind: null, device: null })}
          >
            Clear
          </button>
        )}
      </div>
      <Loaded
        query={list}
        rows={10}
        empty={() =>
          flow.shown.length === 0 &&
          (filtered ? (
            <Message icon="search" title="No task matches">
              Tasks that match appear here as they come.
            </Message>
          ) : (
            <Message icon="tasks" title="Nothing is offloaded at the moment">
              Devices offload what would finish sooner here.
            </Message>
          ))
        }
      >
        {() => (
          <>
            <Panel title="How long they took" note={`of the ${plural(flow.shown.length, 'task')} shown`}>
              <Times tasks={flow.shown} />
            </Panel>
            <section
              class="panel stream"
              aria-label="Stream of tasks"
              onPointerEnter={() => hold(true)}
              onPointerLeave={() => hold(false)}
              onFocusCapture={() => hold(true)}
              onBlurCapture={(event) => {
                if (!event.currentTarget.contains(event.relatedTarget as Node)) hold(false);
              }}
            >
              <header class="panel-head">
                <h2>Stream</h2>
                <div class="note" role="status">
                  {flow.is_held ? (
                    <>
                      <Icon name="pause" size={14} />
                      held while you look{flow.waiting_count > 0 ? `, ${count(flow.waiting_count)} waiting` : ''}
                    </>
                  ) : (
                    <>
                      <span class="dot tone-ok" />
                      flowing
                    </>
                  )}
                </div>
              </header>
              <TaskTable label="Tasks, newest first" tasks={flow.shown} />
            </section>
          </>
        )}
      </Loaded>
    </Page>
  );
}

// Which way tasks go: devices lease theirs to the cloud, and lease what is sent to them.
export const TaskDirections = ({ value }: { value: 'offloaded' | 'dispatched' }) => (
  <Segmented
    name="direction"
    label="Which tasks"
    value={value}
    options={[
      ['offloaded', 'Offloaded'],
      ['dispatched', 'Dispatched'],
    ]}
    choose={(name) => go(name === 'dispatched' ? '/tasks/dispatched' : '/tasks')}
  />
);

function Times({ tasks }: { tasks: OffloadedTask[] }) {
  const failures = new Map<string, number>();
  for (const { failure } of tasks) if (failure !== 'none') failures.set(failure, (failures.get(failure) ?? 0) + 1);
  return (
    <>
      <div class="split even tight">
        <Histogram
          title="Waited for a worker"
          values={tasks.filter((task) => task.started).map(waited)}
          least={0.001}
          most={30}
        />
        <Histogram title="Ran" values={tasks.flatMap((task) => task.ran_s ?? [])} least={0.001} most={30} />
      </div>
      {failures.size > 0 && (
        <p class="key pad tone-bad">
          <Icon name="cross" size={14} />
          Failed: {[...failures].map(([failure, n]) => `${count(n)} ${words(failure)}`).join(', ')}
        </p>
      )}
    </>
  );
}
