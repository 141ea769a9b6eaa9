import type { DispatchedTask, TaskGroup } from 'api-types';
import { count } from '../format';
import { Icon } from './icons';
import { sent_look } from './state';

export type DispatchedState = DispatchedTask['state'];
// In the order they are passed through; forgotten ones are not known any more.
export const dispatched_states: DispatchedState[] = [
  'succeeded',
  'failed',
  'expired',
  'cancelled',
  'running',
  'leased',
  'ready',
  'waiting',
];
const open: DispatchedState[] = ['running', 'leased', 'ready', 'waiting'];
const sum = (group: TaskGroup, states: DispatchedState[]): number =>
  states.reduce((total, state) => total + group.states[state], 0);

export const unfinished = (group: TaskGroup): number => sum(group, open);
export const not_succeeded = (group: TaskGroup): number => sum(group, ['failed', 'expired', 'cancelled']);

// The bar says nothing that the words beside it do not.
export const GroupBar = ({ group }: { group: TaskGroup }) => (
  <span class="bar" aria-hidden="true">
    {dispatched_states.map(
      (state) =>
        group.states[state] > 0 && (
          <i
            key={state}
            class={`tone-${sent_look[state].tone} is-${state}`}
            style={{ flexGrow: group.states[state] }}
          />
        ),
    )}
    {group.forgotten > 0 && <i class="is-forgotten" style={{ flexGrow: group.forgotten }} />}
  </span>
);

export const GroupWords = ({ group }: { group: TaskGroup }) => (
  <span class="counts">
    {dispatched_states.map(
      (state) =>
        group.states[state] > 0 && (
          <span key={state} class={`badge plain tone-${sent_look[state].tone}`}>
            <Icon name={sent_look[state].icon} size={14} />
            {count(group.states[state])} {sent_look[state].word.toLowerCase()}
          </span>
        ),
    )}
    {group.forgotten > 0 && <span class="quiet">{count(group.forgotten)} forgotten</span>}
  </span>
);
