import { useSignal } from '@preact/signals';
import type { Rule, RuleBody, RuleList, Severity } from 'api-types';
import { may, send } from '../api/client';
import { useQuery } from '../api/query';
import { duration, words } from '../format';
import { Dialog } from '../parts/dialog';
import { Icon } from '../parts/icons';
import { Loaded, Message, Panel } from '../parts/page';
import { health_look, health_order, reason_word, SeverityBadge } from '../parts/state';
import { actions_head, Table } from '../parts/table';
import { act } from '../parts/toast';
import { reasons } from './device_query';

function condition(rule: Rule): string {
  const value =
    rule.subject === 'health'
      ? health_look[health_order[rule.value] ?? 'operational'].word.toLowerCase()
      : String(rule.value);
  // A reason either holds or does not.
  const what =
    rule.compare === 'is' && rule.subject !== 'health'
      ? words(rule.subject)
      : `${words(rule.subject)} ${rule.compare} ${value}`;
  return `${what}${rule.lasting_s > 0 ? ` for ${duration(rule.lasting_s)}` : ''}`;
}

const fresh: Rule = {
  id: '',
  title: '',
  severity: 'warning',
  scope: 'device',
  subject: 'temperature_mc',
  compare: 'above',
  value: 80_000,
  lasting_s: 60,
  group: '',
  enabled: true,
};
const address = (id: string): string => `/alerts/rules/${encodeURIComponent(id)}`;

export function Rules() {
  const query = useQuery<RuleList>('/alerts/rules', 60);
  const edited = useSignal<Rule | null>(null),
    admin = may('admin');
  const flip = ({ id, ...body }: Rule) =>
    act(
      send('PUT', address(id), { ...body, enabled: !body.enabled }),
      body.enabled ? 'Disabled' : 'Enabled',
      query.again,
    );
  return (
    <Panel
      title="Rules"
      note="watched on the server"
      {...(admin
        ? {
            actions: (
              <button
                class="text-button"
                onClick={() => {
                  edited.value = fresh;
                }}
              >
                New rule…
              </button>
            ),
          }
        : {})}
    >
      <Loaded query={query} rows={6}>
        {(data) => (
          <Table
            label="Rules"
            class="rules"
            rows={data.items}
            id={({ id }) => id}
            empty={<Message icon="bell" title="No rules" />}
            columns={[
              ['Rule', ({ title }) => title],
              ['Severity', ({ severity }) => <SeverityBadge severity={severity} plain />],
              [
                'Of',
                ({ scope, group }) => (scope === 'fleet' ? 'the fleet' : group ? `devices of ${group}` : 'each device'),
                'nowrap',
              ],
              ['Fires when', condition],
              [
                'Enabled',
                (rule) =>
                  admin ? (
                    <label class="switch">
                      <input type="checkbox" role="switch" checked={rule.enabled} onChange={() => flip(rule)} />
                      <span class="hidden">{rule.title}</span>
                      <i />
                    </label>
                  ) : rule.enabled ? (
                    'yes'
                  ) : (
                    'no'
                  ),
              ],
              admin && [
                actions_head,
                (rule) => (
                  <button
                    class="text-button"
                    aria-label={`Edit ${rule.title}`}
                    onClick={() => {
                      edited.value = rule;
                    }}
                  >
                    Edit…
                  </button>
                ),
                'right',
              ],
            ]}
          />
        )}
      </Loaded>
      {edited.value && (
        <RuleDialog
          rule={edited.value}
          taken={(query.data?.items ?? []).map(({ id }) => id)}
          close={() => {
            edited.value = null;
          }}
          again={query.again}
        />
      )}
    </Panel>
  );
}

const device_figures = [
  'temperature_mc',
  'cpu_permille',
  'queued_band2',
  'outbox',
  'outbox_age_ms',
  'disk_free',
  'battery_permille',
  'rtt_us',
  'loss_permille',
  'failed',
  'lost',
];
const fleet_figures = ['online', 'backlog', 'cloud_queue', 'offload', 'duplicates', 'lost'];

function RuleDialog({
  rule,
  taken,
  close,
  again,
}: {
  rule: Rule;
  taken: string[];
  close: () => void;
  again: () => void;
}) {
  const draft = useSignal(rule),
    said = useSignal('');
  const { id, ...body } = draft.value;
  const set = (change: Partial<Rule>): void => {
    draft.value = { ...draft.value, ...change };
  };
  const is_new = rule.id === '';
  const save = async (event: Event): Promise<void> => {
    event.preventDefault();
    const named =
      id ||
      body.title
        .toLowerCase()
        .replace(/[^a-z0-9]+/g, '_')
        .replace(/^_|_$/g, '')
        .slice(0, 63) ||
      'rule';
    if (is_new && taken.includes(named)) {
      said.value = 'There is a rule of this title; edit that one, or choose another title.';
      return;
    }
    try {
      await send<RuleBody>('PUT', address(named), body);
      close();
      again();
    } catch (error) {
      said.value = (error as Error).message;
    }
  };
  const drop = async (): Promise<void> => {
    close();
    await act(send('DELETE', address(rule.id)), 'Removed', again);
  };
  // A state or a reason either holds or does not; a figure is compared.
  const choose = (subject: string): void =>
    set(
      subject === 'health'
        ? { subject, compare: 'is', value: 4 }
        : reasons.some((reason) => reason === subject)
          ? { subject, compare: 'is', value: 1 }
          : { subject, ...(body.compare === 'is' && { compare: 'above' }) },
    );
  const text = (event: { currentTarget: { value: string } }): string => event.currentTarget.value;
  return (
    <Dialog title={is_new ? 'New rule' : rule.title} close={close} wide>
      <form onSubmit={save}>
        {said.value && (
          <p class="form-error" role="alert">
            <Icon name="warn" />
            {said.value}
          </p>
        )}
        <label class="field">
          <span>Title</span>
          <input
            type="text"
            required
            maxLength={200}
            value={body.title}
            onInput={(event) => set({ title: text(event) })}
          />
        </label>
        <div class="fields">
          <label class="field">
            <span>Severity</span>
            <select value={body.severity} onChange={(event) => set({ severity: text(event) as Severity })}>
              <option>info</option>
              <option>warning</option>
              <option>critical</option>
            </select>
          </label>
          <label class="field">
            <span>Of</span>
            <select
              value={body.scope}
              onChange={(event) => {
                const scope = text(event) as Rule['scope'];
                set({ scope, ...(scope === 'fleet' && { group: '' }) });
                choose(scope === 'fleet' ? 'backlog' : 'temperature_mc');
              }}
            >
              <option value="device">each device</option>
              <option value="fleet">the fleet</option>
            </select>
          </label>
          <label class="field">
            <span>Watches</span>
            <select value={body.subject} onChange={(event) => choose(text(event))}>
              {![...device_figures, ...fleet_figures, ...reasons, 'health'].includes(body.subject) && (
                <option>{body.subject}</option>
              )}
              {body.scope === 'fleet' ? (
                fleet_figures.map((name) => (
                  <option key={name} value={name}>
                    {words(name)}
                  </option>
                ))
              ) : (
                <>
                  <option value="health">state</option>
                  <optgroup label="Reasons">
                    {reasons.map((name) => (
                      <option key={name} value={name}>
                        {reason_word(name)}
                      </option>
                    ))}
                  </optgroup>
                  <optgroup label="Figures">
                    {device_figures.map((name) => (
                      <option key={name} value={name}>
                        {words(name)}
                      </option>
                    ))}
                  </optgroup>
                </>
              )}
            </select>
          </label>
          {body.subject === 'health' ? (
            <label class="field">
              <span>Is</span>
              <select value={body.value} onChange={(event) => set({ value: Number(text(event)) })}>
                {health_order.map((name, at) => (
                  <option key={name} value={at}>
                    {health_look[name].word}
                  </option>
                ))}
              </select>
            </label>
          ) : (
            body.compare !== 'is' && (
              <>
                <label class="field">
                  <span>Compared</span>
                  <select value={body.compare} onChange={(event) => set({ compare: text(event) as Rule['compare'] })}>
                    <option>above</option>
                    <option>below</option>
                  </select>
                </label>
                <label class="field">
                  <span>Value</span>
                  <input
                    type="number"
                    step="any"
                    required
                    value={body.value}
                    onInput={(event) => set({ value: Number(text(event)) })}
                  />
                </label>
              </>
            )
          )}
          <label class="field">
            <span>For seconds</span>
            <input
              type="number"
              min={0}
              max={604800}
              required
              value={body.lasting_s}
              onInput={(event) => set({ lasting_s: Number(text(event)) })}
            />
          </label>
          {body.scope === 'device' && (
            <label class="field">
              <span>
                Group <small>empty: all</small>
              </span>
              <input type="text" maxLength={63} value={body.group} onInput={(event) => set({ group: text(event) })} />
            </label>
          )}
        </div>
        <p class="quiet">Fires when {condition(draft.value)}.</p>
        <div class="actions">
          {!is_new && (
            <button type="button" class="button" onClick={drop}>
              Remove
            </button>
          )}
          <button type="button" class="button" onClick={close}>
            Cancel
          </button>
          <button class="button primary">Save</button>
        </div>
      </form>
    </Dialog>
  );
}
