import type { ComponentChildren } from 'preact';
import { useEffect } from 'preact/hooks';
import type { Query } from '../api/query';
import { ago, exactly } from '../format';
import { now } from '../live/live';
import { Icon, type IconName } from './icons';

export function Page({
  title,
  lead,
  actions,
  children,
  wide = false,
}: {
  title: string;
  lead?: ComponentChildren;
  actions?: ComponentChildren;
  children: ComponentChildren;
  wide?: boolean;
}) {
  useEffect(() => {
    document.title = `${title} · Spillway`;
  }, [title]);
  return (
    <main id="page" class={wide ? 'page wide' : 'page'} tabIndex={-1}>
      <header class="page-head">
        <div class="page-title">
          <h1>{title}</h1>
          {lead && <div class="lead">{lead}</div>}
        </div>
        {actions && <div class="actions">{actions}</div>}
      </header>
      {children}
    </main>
  );
}

export function Panel({
  title,
  note,
  actions,
  children,
  class: extra = '',
}: {
  title: string;
  note?: ComponentChildren;
  actions?: ComponentChildren;
  children: ComponentChildren;
  class?: string;
}) {
  return (
    <section class={`panel ${extra}`} aria-label={title}>
      <header class="panel-head">
        <h2>{title}</h2>
        {note && <div class="note">{note}</div>}
        {actions && <div class="actions">{actions}</div>}
      </header>
      {children}
    </section>
  );
}

export function Message({
  icon,
  title,
  children,
  tone = 'mute',
}: {
  icon: IconName;
  title: string;
  children?: ComponentChildren;
  tone?: string;
}) {
  return (
    <div class={`message tone-${tone}`}>
      <Icon name={icon} size={24} />
      <p class="message-title">{title}</p>
      {children && <div class="message-body">{children}</div>}
    </div>
  );
}

export const Loading = ({ rows = 4, label = 'Loading' }: { rows?: number; label?: string }) => (
  <div class="skeletons" role="status" aria-label={label}>
    {Array.from({ length: rows }, (_, row) => (
      <div class="skeleton" key={row} />
    ))}
  </div>
);

export const NoPermission = ({ need }: { need: string }) => (
  <Message icon="lock" title="Not yours to see">
    This needs a token with the scope <code>{need}</code>. Ask whoever runs this cloud, or sign in with another token.
  </Message>
);

// The states every piece of loaded data can be in, one look each. Old data with a failed renewal is
// shown with its age rather than taken away.
export function Loaded<T>({
  query,
  empty,
  need = 'read',
  rows,
  children,
}: {
  query: Query<T> & { again: () => void };
  empty?: (data: T) => ComponentChildren;
  need?: string;
  rows?: number;
  children: (data: T) => ComponentChildren;
}) {
  const { data, error, asked, again } = query;
  if (error?.status === 403) return <NoPermission need={need} />;
  if (data === null && error) {
    return (
      <Message
        icon={error.status === 404 ? 'search' : 'warn'}
        title={error.status === 404 ? 'Not there' : 'Could not be loaded'}
        tone={error.status === 404 ? 'mute' : 'bad'}
      >
        <p>{error.message}</p>
        {error.status !== 404 && (
          <button class="button" onClick={again}>
            Try again
          </button>
        )}
      </Message>
    );
  }
  if (data === null) return <Loading {...(rows ? { rows } : {})} />;
  const nothing = empty?.(data);
  return (
    <>
      {error && <Stale at={asked} again={again} />}
      {nothing || children(data)}
    </>
  );
}

function Stale({ at, again }: { at: number; again: () => void }) {
  return (
    <p class="stale" role="status">
      <Icon name="clock" size={14} /> As of {ago(new Date(at).toISOString(), now.value)}; renewing it failed.{' '}
      <button class="text-button" onClick={again}>
        Try again
      </button>
    </p>
  );
}

// `bare`: how long, under a heading that says from when.
export const Ago = ({ at, bare = false }: { at: string | null | undefined; bare?: boolean }) => {
  const text = bare ? ago(at, now.value).replace(' ago', '') : ago(at, now.value);
  return at ? (
    <time dateTime={at} title={exactly(at)}>
      {text}
    </time>
  ) : (
    <span>{text}</span>
  );
};

export const Fact = ({ name, children }: { name: string; children: ComponentChildren }) => (
  <div class="fact">
    <dt>{name}</dt>
    <dd>{children}</dd>
  </div>
);
