// Becomes 404.html. Without it Next.js writes one with inline styles, which the content security policy refuses.

import { NoticePage } from '../components/notice-page';

export default function NotFound() {
  return (
    <NoticePage title="There is no such page">
      <a className="text-accent underline underline-offset-4" href="/">
        Back to the network
      </a>
    </NoticePage>
  );
}
