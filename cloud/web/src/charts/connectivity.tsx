import type { Session } from 'api-types';
import { duration, ratio } from '../format';

const kDay = 86_400_000;

// The last day as one bar: connected where it is filled.
export function Connectivity({ sessions, now }: { sessions: Session[]; now: number }) {
  const from = now - kDay;
  const pieces = sessions
    .map((session) => ({
      key: session.from,
      left: Math.max(from, Date.parse(session.from)),
      right: session.until ? Date.parse(session.until) : now,
    }))
    .filter(({ left, right }) => right > from && right > left);
  const online = pieces.reduce((sum, { left, right }) => sum + right - left, 0);
  // The list may begin later than the day does; what is before it is not known to be an outage.
  const known_from = sessions.length
    ? Math.max(from, Math.min(...sessions.map((session) => Date.parse(session.from))))
    : now;
  const span = now - known_from;
  const text = `Connected ${ratio(Math.min(1, online / Math.max(1, span)))} of the last ${span >= kDay ? '24 h' : duration(Math.round(span / 1000))}, in ${pieces.length} ${pieces.length === 1 ? 'session' : 'sessions'}`;
  return (
    <figure class="connectivity">
      <div class="conn-bar" role="img" aria-label={text}>
        <i class="unknown" style={{ width: `${(100 * (known_from - from)) / kDay}%` }} />
        {pieces.map(({ key, left, right }) => (
          <i
            key={key}
            style={{ left: `${(100 * (left - from)) / kDay}%`, width: `max(1px, ${(100 * (right - left)) / kDay}%)` }}
          />
        ))}
      </div>
      <div class="conn-axis" aria-hidden="true">
        <span>24 h ago</span>
        <span>12 h</span>
        <span>now</span>
      </div>
      <figcaption>{text}</figcaption>
    </figure>
  );
}
