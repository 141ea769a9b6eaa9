import type { ComponentChildren } from 'preact';
import { signal } from '@preact/signals';
import type { Alert } from 'api-types';
import { forget_everything } from '../api/query';
import { me, send } from '../api/client';
import { duration, seconds_since } from '../format';
import { alerts, link, now, retry_now, summary } from '../live/live';
import { place } from '../router';
import { Icon, type IconName } from './icons';

const pages: { path: string; name: string; icon: IconName }[] = [
  { path: '/', name: 'Fleet', icon: 'fleet' },
  { path: '/devices', name: 'Devices', icon: 'device' },
  { path: '/tasks', name: 'Tasks', icon: 'tasks' },
  { path: '/alerts', name: 'Alerts', icon: 'bell' },
  { path: '/cloud', name: 'Cloud', icon: 'cloud' },
];
const is_current = (path: string): boolean =>
  path === '/' ? place.value.path === '/' : place.value.path.startsWith(path);

type Theme = 'system' | 'light' | 'dark';
const themes: { name: Theme; icon: IconName; word: string }[] = [
  { name: 'system', icon: 'screen', word: 'As the system' },
  { name: 'light', icon: 'sun', word: 'Light' },
  { name: 'dark', icon: 'moon', word: 'Dark' },
];
export const theme = signal<Theme>((document.documentElement.dataset.theme as Theme | undefined) ?? 'system');
function choose(name: Theme): void {
  theme.value = name;
  if (name === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = name;
  try {
    localStorage.setItem('spillway.theme', name);
  } catch {
    /* it lasts as long as the page, then */
  }
}

// Open, and not put aside by somebody.
export const waiting_alerts = (): Alert[] =>
  [...alerts.value.values()].filter(
    (alert) => !alert.acknowledged_by && !(alert.silenced_until && Date.parse(alert.silenced_until) > now.value),
  );

function Nav() {
  const waiting = waiting_alerts().length;
  return (
    <nav aria-label="Pages">
      <ul>
        {pages.map(({ path, name, icon }) => (
          <li key={path}>
            <a href={path} aria-current={is_current(path) ? 'page' : undefined}>
              <Icon name={icon} size={18} />
              <span>{name}</span>
              {name === 'Alerts' && waiting > 0 && (
                <span class="count" aria-label={`${waiting} waiting`}>
                  {waiting > 99 ? '99+' : waiting}
                </span>
              )}
            </a>
          </li>
        ))}
      </ul>
    </nav>
  );
}

// Where the figures on the page come from, and how old they are.
function LinkNote() {
  const state = link.value;
  if (state.state === 'live') {
    const age = summary.value ? seconds_since(summary.value.at, now.value) : 0;
    return (
      <p class="link-note tone-ok">
        <span class="dot" />
        Live{age > 10 ? <span class="quiet"> · {duration(Math.round(age))} old</span> : null}
      </p>
    );
  }
  return (
    <p class="link-note tone-warn">
      <Icon name="link" size={14} />
      {state.state === 'lost' ? 'Reconnecting' : 'Connecting'}
    </p>
  );
}

function LostBanner() {
  const state = link.value;
  if (state.state !== 'lost' || now.value - state.since < 1500) return null;
  return (
    <div class="banner" role="status">
      <Icon name="link" />
      <p>
        <strong>No connection to the cloud</strong> for {duration(Math.round((now.value - state.since) / 1000))}. What
        you see is from before; it is tried again in{' '}
        {duration(Math.max(0, Math.ceil((state.retry_at - now.value) / 1000)))}.
      </p>
      <button class="button" onClick={retry_now}>
        Try now
      </button>
    </div>
  );
}

async function sign_out(): Promise<void> {
  await send('DELETE', '/session').catch(() => {});
  forget_everything();
  me.value = null;
}

export function Shell({ children }: { children: ComponentChildren }) {
  return (
    <div class="shell">
      <a
        class="skip"
        href="#page"
        onClick={(event) => {
          event.preventDefault();
          document.getElementById('page')?.focus();
        }}
      >
        Skip to the page
      </a>
      <header class="side">
        <a class="brand" href="/" aria-label="Spillway">
          <Logo />
          <span>Spillway</span>
        </a>
        <Nav />
        <div class="side-foot">
          <LinkNote />
          <fieldset class="themes">
            <legend class="hidden">Theme</legend>
            {themes.map(({ name, icon, word }) => (
              <label key={name} title={word}>
                <input type="radio" name="theme" checked={theme.value === name} onChange={() => choose(name)} />
                <Icon name={icon} />
                <span class="hidden">{word}</span>
              </label>
            ))}
          </fieldset>
          {me.value && (
            <div class="who">
              <span title={`Signed in as ${me.value.name}`}>
                {me.value.name}
                <small>{me.value.scope}</small>
              </span>
              <button class="icon-button" onClick={sign_out} aria-label="Sign out" title="Sign out">
                <Icon name="out" />
              </button>
            </div>
          )}
        </div>
      </header>
      <div class="content">
        <LostBanner />
        {children}
      </div>
    </div>
  );
}

export const Logo = ({ size = 24 }: { size?: number }) => (
  <svg class="logo" viewBox="0 0 32 32" width={size} height={size} aria-hidden="true">
    <rect width="32" height="32" rx="8" />
    <path d="M6 10h8c5 0 4 12 12 12" />
    <path class="second" d="M6 16h4c5 0 4 6 9 6" />
  </svg>
);
