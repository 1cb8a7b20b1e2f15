export { hostFits, matcherOf, pathFits, pathOf, plainPath, type Matcher } from './match.ts'
export { requestReader } from './request-reader.ts'
export { RouteLine, type RouteParts } from './route-line.ts'
export { identityOf, setIdentity, Visitor, visitorOf, type VisitorParts } from './visitor.ts'
