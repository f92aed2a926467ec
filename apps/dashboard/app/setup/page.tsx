// Where the setup link leads.

import { NoticePage } from '../../components/notice-page';
import { SetupForm } from '../../components/setup-form';

export default function Page() {
  return (
    <NoticePage title="Make an admin of this network">
      <SetupForm />
    </NoticePage>
  );
}
