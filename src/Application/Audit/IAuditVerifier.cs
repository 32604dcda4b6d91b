using Secrets.Application.Common;
using Secrets.Domain.Audit;
using Secrets.Domain.Secrets;

namespace Secrets.Application.Audit;

/// <summary>Checks the audit.</summary>
public interface IAuditVerifier
{
    /// <summary>Reads the whole audit as it stands at one moment, in bounded memory.</summary>
    /// <param name="kept">Where the chains ended earlier; null: that is not known.</param>
    /// <param name="cancellationToken">The caller's.</param>
    /// <exception cref="InvalidRequestException">The checkpoint was not made by this installation.</exception>
    Task<AuditVerdict> VerifyAsync(AuditCheckpoint? kept, CancellationToken cancellationToken);

    /// <summary>Where all chains end at this moment.</summary>
    /// <exception cref="ConflictException">They do not verify: a checkpoint would bless them.</exception>
    Task<AuditCheckpoint> MakeCheckpointAsync(CancellationToken cancellationToken);
}

/// <summary>What a check of the audit found.</summary>
/// <param name="Checked">Rows that were read.</param>
/// <param name="FirstBroken">The first row that is not as it was written, or is missing; null: everything that is there is as it was written.</param>
/// <param name="Missing">Rows that a checkpoint says were there.</param>
/// <param name="Owners">Accounts that are older than their last change in the audit.</param>
public sealed record AuditVerdict(long Checked, AuditPlace? FirstBroken, IReadOnlyList<MissingRows> Missing, IReadOnlyList<OutdatedAccount> Owners);

/// <summary>An account that is older than its last change in the audit: it was set back.</summary>
/// <param name="Owner">Whose it is.</param>
/// <param name="IsOfKeys">Whether it is that of the user's API keys.</param>
/// <param name="Version">Its version; 0: it is gone.</param>
/// <param name="Audited">The version that the audit has.</param>
public sealed record OutdatedAccount(SecretOwner Owner, bool IsOfKeys, long Version, long Audited);

/// <summary>A place in the audit.</summary>
/// <param name="Writer">Whose chain; the nil uuid where a whole chain is missing.</param>
/// <param name="Sequence">The row's place in it; of a missing chain its writer's number, 0 where the list of chains cannot be read.</param>
public sealed record AuditPlace(Guid Writer, long Sequence);
