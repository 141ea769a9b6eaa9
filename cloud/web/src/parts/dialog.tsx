import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';

// The browser's own modal: it keeps the focus inside, closes on Escape and gives the focus back.
export function Dialog({ title, close, children }: { title: string; close: () => void; children: ComponentChildren }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const before = document.activeElement as HTMLElement | null;
    dialog.current!.showModal();
    return () => before?.focus?.();
  }, []);
  return <dialog ref={dialog} class="dialog" aria-label={title} onClose={close} onCancel={close}><h2>{title}</h2>{children}</dialog>;
}
