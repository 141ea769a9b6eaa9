import { useSignal } from '@preact/signals';
import type { DispatchedTaskPage, TaskGroup } from 'api-types';
import { may, send, with_params } from '../api/client';
import { useQuery } from '../api/query';
import { compact, count, plural, ratio } from '../format';
import { Dialog } from '../parts/dialog';
import { GroupBar, not_succeeded, dispatched_states, unfinished, type DispatchedState } from '../parts/group_progress';
import { Icon } from '../parts/icons';
import { Ago, Loaded, Message, Page, Panel } from '../parts/page';
import { DispatchedTable } from '../parts/dispatched_table';
import { sent_look } from '../parts/state';
import { number_of } from '../parts/task_table';
import { act } from '../parts/toast';
import { place, set_query } from '../router';

// One submission: counts, and how far each device is.
export function DispatchedGroupPage({ id }: { id: string }) {
  const address = `/task-groups/${id}`;
  const query = useQuery<TaskGroup>(address, 2);
  const group = query.data;
  return (
    <Page
      title={`Submission ${number_of(id).split('x')[0]}`}
      wide
      lead={
        group && (
          <>
            <span>
              {group.kind ?? 'forgotten'} on {plural(group.size, 'device')}
            </span>{' '}
            <span>
              sent <Ago at={group.created} />
            </span>
          </>
        )
      }
      actions={group && may('operate') && <Actions group={group} address={address} again={query.again} />}
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
            <Counts group={data} />
            <Members group={data} />
          </>
        )}
      </Loaded>
    </Page>
  );
}

function Counts({ group }: { group: TaskGroup }) {
  const left = unfinished(group),
    ended = group.size - left;
  const chosen = place.value.query.get('state');
  return (
    <Panel
      title="Progress"
      note={
        <span role="status">{left ? `${ratio(ended / group.size)} ended, ${count(left)} to go` : 'all ended'}</span>
      }
    >
      <div class="pad group-bar">
        <GroupBar group={group} />
      </div>
      <div class="states eight">
        {dispatched_states.map((state) => (
          <button
            key={state}
            class={`state-tile tone-${sent_look[state].tone}${group.states[state] ? '' : ' none'}`}
            aria-pressed={chosen === state}
            onClick={() => set_query({ state: chosen === state ? null : state })}
          >
            <span class="state-word">
              <Icon name={sent_look[state].icon} />
              {sent_look[state].word}
            </span>
            <span class="state-count">{compact(group.states[state])}</span>
          </button>
        ))}
      </div>
      {group.forgotten > 0 && (
        <p class="prose">
          {plural(group.forgotten, 'task')} of it {group.forgotten === 1 ? 'is' : 'are'} forgotten: the time their
          results are kept for is over.
        </p>
      )}
    </Panel>
  );
}

function Members({ group }: { group: TaskGroup }) {
  const state = place.value.query.get('state') as DispatchedState | null;
  const query = useQuery<DispatchedTaskPage>(
    with_params('/tasks/dispatched', { group: group.id, state: state ?? '', limit: 500 }),
    unfinished(group) ? 2 : 30,
  );
  return (
    <Panel
      title="Device by device"
      note={
        query.data?.next
          ? `the newest 500; ${state ? '' : 'choose a state above for fewer'}`
          : state
            ? sent_look[state].word
            : ''
      }
      {...(state
        ? {
            actions: (
              <button class="text-button" onClick={() => set_query({ state: null })}>
                Show all states
              </button>
            ),
          }
        : {})}
    >
      <Loaded
        query={query}
        rows={8}
        empty={(data) =>
          data.items.length === 0 && (
            <Message
              icon="search"
              title={state ? `None is ${sent_look[state].word.toLowerCase()}` : 'All of it is forgotten'}
            />
          )
        }
      >
        {(data) => <DispatchedTable label="Tasks of this submission" tasks={data.items} with_kind={false} />}
      </Loaded>
    </Panel>
  );
}

const verbs = {
  cancel: { word: 'Cancel', done: 'Cancelled', text: 'It is stopped on every device. What has succeeded stays.' },
  retry: { word: 'Retry', done: 'Being tried again', text: 'What failed, was cancelled or expired is sent again.' },
};
function Actions({ group, address, again }: { group: TaskGroup; address: string; again: () => void }) {
  const asked = useSignal<keyof typeof verbs | null>(null);
  const left = unfinished(group),
    bad = not_succeeded(group);
  const ask = (verb: keyof typeof verbs, n: number): void => {
    asked.value = null;
    void act(send('POST', `${address}/${verb}`), `${verbs[verb].done}: ${plural(n, 'task')}`, again);
  };
  const verb = asked.value,
    n = verb === 'retry' ? bad : left;
  return (
    <>
      {bad > 0 && (
        <button
          class="button"
          onClick={() => {
            asked.value = 'retry';
          }}
        >
          <Icon name="turn" />
          Retry {count(bad)}…
        </button>
      )}
      {left > 0 && (
        <button
          class="button"
          onClick={() => {
            asked.value = 'cancel';
          }}
        >
          <Icon name="ban" />
          Cancel {count(left)}…
        </button>
      )}
      {verb && (
        <Dialog
          title={`${verbs[verb].word} ${plural(n, 'task')}?`}
          close={() => {
            asked.value = null;
          }}
        >
          <p>{verbs[verb].text}</p>
          <div class="actions">
            <button
              class="button"
              onClick={() => {
                asked.value = null;
              }}
            >
              Back
            </button>
            <button class="button primary" onClick={() => ask(verb, n)}>
              {verbs[verb].word} {plural(n, 'task')}
            </button>
          </div>
        </Dialog>
      )}
    </>
  );
}
