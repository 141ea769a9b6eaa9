import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { Alert, AlertPage, Silence, SilenceList } from 'api-types';
import { may, send } from '../api/client';
import { useQuery } from '../api/query';
import { duration, left, plural, words } from '../format';
import { alerts as live, now } from '../live/live';
import { Dialog } from '../parts/dialog';
import { Icon } from '../parts/icons';
import { Ago, Loaded, Message, Page, Panel } from '../parts/page';
import { Segmented } from '../parts/segmented';
import { SeverityBadge } from '../parts/state';
import { actions_head, Table } from '../parts/table';
import { act } from '../parts/toast';
import { place, set_query } from '../router';
import { Rules } from './rules';

const weight = { critical: 0, warning: 1, info: 2 } as const;
const is_silenced = (alert: Alert): boolean => !!alert.silenced_until && Date.parse(alert.silenced_until) > now.value;

export function AlertsPage() {
  const view = place.value.query.get('view') ?? 'firing';
  return (
    <Page
      title="Alerts"
      lead={`${plural(live.value.size, 'alert')} firing`}
      wide
      actions={
        <Segmented
          name="view"
          label="Which alerts"
          value={view}
          options={[
            ['firing', 'Firing'],
            ['past', 'Past'],
            ['silences', 'Silences'],
            ['rules', 'Rules'],
          ]}
          choose={(name) => set_query({ view: name === 'firing' ? null : name })}
        />
      }
    >
      {view === 'rules' ? <Rules /> : view === 'silences' ? <Silences /> : view === 'past' ? <Past /> : <Firing />}
    </Page>
  );
}

function Firing() {
  const query = useQuery<AlertPage>('/alerts?firing=true&limit=200', 30);
  // The stream knows first; the list knows more than the stream's two hundred.
  useEffect(() => {
    if (query.data) query.again();
  }, [live.value]);
  return (
    <Loaded
      query={query}
      rows={6}
      empty={(data) =>
        data.items.length === 0 && (
          <Panel title="Firing">
            <Message icon="check" tone="ok" title="Nothing is firing">
              Rules are watched on the server; what they find appears here at once.
            </Message>
          </Panel>
        )
      }
    >
      {(data) => {
        const sorted = [...data.items].sort(
          (a, b) => weight[a.severity] - weight[b.severity] || b.fired.localeCompare(a.fired),
        );
        const aside = (alert: Alert): boolean => !!alert.acknowledged_by || is_silenced(alert);
        const fresh = sorted.filter((alert) => !aside(alert)),
          taken = sorted.filter(aside);
        return (
          <>
            <Panel title="Waiting for somebody" note={plural(fresh.length, 'alert')}>
              {fresh.length ? (
                <AlertList alerts={fresh} again={query.again} />
              ) : (
                <Message icon="check" tone="ok" title="Everything that fires is taken care of" />
              )}
            </Panel>
            {taken.length > 0 && (
              <Panel title="Acknowledged or silenced" note={plural(taken.length, 'alert')}>
                <AlertList alerts={taken} again={query.again} />
              </Panel>
            )}
          </>
        );
      }}
    </Loaded>
  );
}

function Past() {
  const query = useQuery<AlertPage>('/alerts?firing=false&limit=100', 60);
  return (
    <Panel title="Past">
      <Loaded
        query={query}
        rows={6}
        empty={(data) => data.items.length === 0 && <Message icon="clock" title="No alert has ended yet" />}
      >
        {(data) => <AlertList alerts={data.items} again={query.again} />}
      </Loaded>
    </Panel>
  );
}

function AlertList({ alerts, again }: { alerts: Alert[]; again: () => void }) {
  const asked = useSignal<{ alert: Alert; what: 'acknowledge' | 'silence' } | null>(null);
  return (
    <>
      <ul class="alerts">
        {alerts.map((alert) => (
          <li key={alert.id}>
            <SeverityBadge severity={alert.severity} plain />
            <div class="alert-what">
              <p>
                {alert.title}
                {alert.device && (
                  <>
                    : <a href={`/devices/${alert.device}`}>{alert.device}</a>
                  </>
                )}
              </p>
              <p class="quiet">
                <span>
                  fired <Ago at={alert.fired} />
                </span>
                {alert.resolved && (
                  <span>lasted {duration((Date.parse(alert.resolved) - Date.parse(alert.fired)) / 1000)}</span>
                )}
                <span>rule {words(alert.rule)}</span>
                {alert.acknowledged_by && (
                  <span>
                    <Icon name="eye" size={14} /> {alert.acknowledged_by}
                    {alert.note && `: ${alert.note}`}
                  </span>
                )}
                {is_silenced(alert) && (
                  <span>
                    <Icon name="mute" size={14} /> silent for {left(alert.silenced_until!, now.value)}
                  </span>
                )}
              </p>
            </div>
            {alert.firing && may('operate') && (
              <div class="actions">
                {!alert.acknowledged_by && (
                  <button
                    class="button"
                    onClick={() => {
                      asked.value = { alert, what: 'acknowledge' };
                    }}
                  >
                    Acknowledge
                  </button>
                )}
                {!is_silenced(alert) && (
                  <button
                    class="button quiet"
                    onClick={() => {
                      asked.value = { alert, what: 'silence' };
                    }}
                  >
                    Silence
                  </button>
                )}
              </div>
            )}
          </li>
        ))}
      </ul>
      {asked.value && (
        <Ask
          {...asked.value}
          close={() => {
            asked.value = null;
          }}
          done={again}
        />
      )}
    </>
  );
}

function Ask({
  alert,
  what,
  close,
  done,
}: {
  alert: Alert;
  what: 'acknowledge' | 'silence';
  close: () => void;
  done: () => void;
}) {
  const note = useSignal(''),
    for_s = useSignal('3600');
  const silence = what === 'silence';
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    const said = note.value ? { note: note.value } : {};
    const work = silence
      ? send('POST', '/alerts/silences', {
          rule: alert.rule,
          ...(alert.device && { device: alert.device }),
          for_s: Number(for_s.value),
          ...said,
        })
      : send('POST', `/alerts/${alert.id}/acknowledge`, said);
    await act(work, silence ? 'Silenced' : 'Acknowledged', done);
    close();
  };
  return (
    <Dialog title={silence ? 'Silence this alert?' : 'Acknowledge this alert?'} close={close}>
      <form onSubmit={submit}>
        <p>
          {alert.title}
          {alert.device && `: ${alert.device}`}
        </p>
        {silence && (
          <label class="field">
            <span>For</span>
            <select
              value={for_s.value}
              onChange={(event) => {
                for_s.value = event.currentTarget.value;
              }}
            >
              <option value="3600">1 hour</option>
              <option value="28800">8 hours</option>
              <option value="86400">1 day</option>
              <option value="604800">1 week</option>
            </select>
          </label>
        )}
        <label class="field">
          <span>Note for the others, if any</span>
          <input
            type="text"
            maxLength={500}
            value={note.value}
            onInput={(event) => {
              note.value = event.currentTarget.value;
            }}
          />
        </label>
        <div class="actions">
          <button type="button" class="button" onClick={close}>
            Cancel
          </button>
          <button class="button primary">{silence ? 'Silence' : 'Acknowledge'}</button>
        </div>
      </form>
    </Dialog>
  );
}

function Silences() {
  const query = useQuery<SilenceList>('/alerts/silences', 30);
  const end = (silence: Silence) =>
    act(send('DELETE', `/alerts/silences/${silence.id}`), 'It speaks again', query.again);
  return (
    <Panel title="Silences">
      <Loaded query={query} rows={4}>
        {(data) => (
          <Table
            label="Silences"
            rows={data.items}
            id={({ id }) => id}
            empty={<Message icon="mute" title="Nothing is silenced" />}
            columns={[
              ['Rule', ({ rule }) => words(rule) || 'any'],
              ['Device', ({ device }) => device || 'any'],
              ['Group', ({ group }) => group || 'any'],
              ['By', ({ by }) => by],
              ['Note', ({ note }) => note || '–'],
              ['For another', ({ until }) => left(until, now.value)],
              [
                actions_head,
                (silence) =>
                  may('operate') && (
                    <button class="text-button" onClick={() => end(silence)}>
                      End
                    </button>
                  ),
                'right',
              ],
            ]}
          />
        )}
      </Loaded>
    </Panel>
  );
}
