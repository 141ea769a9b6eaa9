import type { Event, Health, Reason, DispatchedTask, Severity, OffloadedTask } from 'api-types';
import { sentence, words } from '../format';
import { Icon, type IconName } from './icons';

// One look for every state, everywhere: an icon of its own shape, a word, and a colour.
interface Look {
  icon: IconName;
  tone: Tone;
  word: string;
}
export type Tone = 'ok' | 'warn' | 'bad' | 'info' | 'calm' | 'mark' | 'mute';

export const health_order: Health[] = [
  'operational',
  'degraded',
  'updating',
  'sleeping',
  'disconnected',
  'never_seen',
  'quarantined',
  'revoked',
];
export const health_look: Record<Health, Look> = {
  operational: { icon: 'check', tone: 'ok', word: 'Operational' },
  degraded: { icon: 'warn', tone: 'warn', word: 'Degraded' },
  updating: { icon: 'turn', tone: 'info', word: 'Updating' },
  sleeping: { icon: 'moon', tone: 'calm', word: 'Sleeping' },
  disconnected: { icon: 'cross', tone: 'bad', word: 'Disconnected' },
  never_seen: { icon: 'dashed', tone: 'mute', word: 'Never seen' },
  quarantined: { icon: 'lock', tone: 'mark', word: 'Quarantined' },
  revoked: { icon: 'ban', tone: 'mute', word: 'Revoked' },
};

export const task_look: Record<OffloadedTask['state'], Look> = {
  accepted: { icon: 'clock', tone: 'mute', word: 'Queued' },
  running: { icon: 'play', tone: 'info', word: 'Running' },
  done: { icon: 'up', tone: 'calm', word: 'Answering' },
  answered: { icon: 'check', tone: 'ok', word: 'Answered' },
};

export const sent_look: Record<DispatchedTask['state'], Look> = {
  waiting: { icon: 'pause', tone: 'mute', word: 'Waiting' },
  ready: { icon: 'clock', tone: 'mute', word: 'Ready' },
  leased: { icon: 'up', tone: 'calm', word: 'Leased' },
  running: { icon: 'play', tone: 'info', word: 'Running' },
  succeeded: { icon: 'check', tone: 'ok', word: 'Succeeded' },
  failed: { icon: 'cross', tone: 'bad', word: 'Failed' },
  cancelled: { icon: 'ban', tone: 'mark', word: 'Cancelled' },
  expired: { icon: 'moon', tone: 'warn', word: 'Expired' },
};

export const severity_look: Record<Severity, Look> = {
  critical: { icon: 'cross', tone: 'bad', word: 'Critical' },
  warning: { icon: 'warn', tone: 'warn', word: 'Warning' },
  info: { icon: 'info', tone: 'info', word: 'Info' },
};

export const reason_word = (reason: Reason): string =>
  reason === 'will' ? 'Connection broke' : sentence(words(reason));

export const event_word = (event: Event): string => sentence(words(event.what));

export function Badge({ look, plain = false }: { look: Look; plain?: boolean }) {
  return (
    <span class={`badge tone-${look.tone}${plain ? ' plain' : ''}`}>
      <Icon name={look.icon} size={14} />
      {look.word}
    </span>
  );
}
export const HealthBadge = ({ health, plain }: { health: Health; plain?: boolean }) => (
  <Badge look={health_look[health]} plain={plain ?? false} />
);
export const SeverityBadge = ({ severity, plain }: { severity: Severity; plain?: boolean }) => (
  <Badge look={severity_look[severity]} plain={plain ?? false} />
);

export function TaskBadge({ task }: { task: Pick<OffloadedTask, 'state' | 'failure'> }) {
  const failed = task.failure !== 'none';
  return (
    <Badge
      plain
      look={failed ? { icon: 'cross', tone: 'bad', word: sentence(words(task.failure)) } : task_look[task.state]}
    />
  );
}

export const DispatchedBadge = ({ task }: { task: Pick<DispatchedTask, 'state'> }) => (
  <Badge plain look={sent_look[task.state]} />
);
