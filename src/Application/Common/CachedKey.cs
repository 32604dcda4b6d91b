using Secrets.Domain.ApiKeys;

namespace Secrets.Application.Common;

/// <summary>A key that was verified in a version of its user's keys, when their stamp was this.</summary>
public sealed record CachedKey(ApiKey Key, long Version, long Stamp);
