export { boundedText } from './bounded-text.ts'
export { InputError } from './input-error.ts'
export { yamlDocument, type YamlDocument, type YamlReading } from './yaml-document.ts'
export { tooDeepAt } from './yaml-shape.ts'
