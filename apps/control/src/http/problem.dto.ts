import { problemSchema } from '@shadownet/contracts';
import { createZodDto } from 'nestjs-zod';

export class ProblemDto extends createZodDto(problemSchema) {}
