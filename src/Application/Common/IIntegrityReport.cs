namespace Secrets.Application.Common;

/// <summary>Owners whose stored rows do not verify, as far as this process has met them.</summary>
public interface IIntegrityReport
{
    /// <summary>How many owners there are, and since when the first of them.</summary>
    (int Owners, DateTimeOffset? Since) State { get; }
}
