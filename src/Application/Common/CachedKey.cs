namespace Secrets.Application.Common;

/// <summary>A cached key, with the version and stamp of its user's keys when it was verified.</summary>
public sealed record CachedKey(ApiKey Key, long Version, long Stamp);
