namespace Secrets.Application.Common;

/// <summary>Owners whose rows do not verify, as seen by this process.</summary>
public interface IIntegrityReport
{
    /// <summary>The number of such owners, and when the first one was found.</summary>
    (int Owners, DateTimeOffset? Since) State { get; }
}
