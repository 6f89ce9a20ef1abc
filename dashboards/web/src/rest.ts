/** The REST layer's messages by short names. */
import type { components } from './api'

type Schemas = components['schemas']

export type Camera = Schemas['CameraOut']
export type CameraOptions = Schemas['CameraOptions']
export type CameraChange = Partial<Schemas['CameraChange']>
export type Region = CameraOptions['region']
export type Polygon = CameraOptions['masks'][number]
export type CheckedCamera = Schemas['CheckedCamera']
type AnyCamera = Schemas['NewCamera']
/** What is left out is as the service has it. */
export type NewCamera = Partial<AnyCamera> & Pick<AnyCamera, 'name' | 'url'>
export type Face = Schemas['FaceOut']
export type Gallery = Schemas['GalleryOut']
export type PeoplePage = Schemas['PeoplePage']
export type Person = Schemas['PersonOut']
export type PublishingKey = Schemas['PublishingKey']
export type PublishingKeyOut = Schemas['PublishingKeyOut']
export type Shard = Schemas['ShardOut']
export type Stream = Schemas['StreamStatus']
export type CameraRole = Schemas['RoleStatus']
export type Ticket = Schemas['Ticket']
export type Token = Schemas['Token']
export type User = Schemas['UserOut']
export type Verdict = Schemas['VerdictOut']
