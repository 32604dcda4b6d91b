using Secrets.Application.Common;

namespace Secrets.Application.Audit;

/// <summary>Verifies the audit.</summary>
public interface IAuditVerifier
{
    /// <summary>Verifies the whole audit in one snapshot, in bounded memory.</summary>
    /// <param name="kept">An earlier checkpoint; null: none.</param>
    /// <param name="cancellationToken">The caller's.</param>
    /// <exception cref="InvalidRequestException">Another installation made the checkpoint, or it was changed.</exception>
    Task<AuditVerdict> VerifyAsync(AuditCheckpoint? kept, CancellationToken cancellationToken);

    /// <summary>The same with the checkpoint in this process's file. For commands: a running service has read the file already.</summary>
    Task<AuditVerdict> VerifyWithFileAsync(CancellationToken cancellationToken);

    /// <summary>Makes a checkpoint of all chains.</summary>
    /// <exception cref="ConflictException">A chain does not verify. A checkpoint would accept the manipulation.</exception>
    Task<AuditCheckpoint> MakeCheckpointAsync(CancellationToken cancellationToken);
}

/// <summary>The result of a verification.</summary>
/// <param name="Checked">Number of rows read.</param>
/// <param name="FirstBroken">The first changed or missing row; null: none.</param>
/// <param name="Missing">Rows of a checkpoint that are missing or replaced.</param>
/// <param name="Owners">Accounts that do not have their latest version in the audit.</param>
public sealed record AuditVerdict(long Checked, AuditPlace? FirstBroken, IReadOnlyList<MissingRows> Missing, IReadOnlyList<OutdatedAccount> Owners)
{
    /// <summary>Whether the verification found no fault.</summary>
    public bool IsIntact => FirstBroken is null && Missing.Count == 0 && Owners.Count == 0;
}

/// <summary>An account that does not have its latest version in the audit. Somebody set it back, put in a change that had failed, or changed the audit.</summary>
/// <param name="Owner">The account's owner.</param>
/// <param name="IsOfKeys">Whether this is the account of the user's API keys.</param>
/// <param name="Version">The stored version; 0: the account is missing.</param>
/// <param name="Audited">The version in the audit.</param>
public sealed record OutdatedAccount(SecretOwner Owner, bool IsOfKeys, long Version, long Audited);

/// <summary>A position in the audit.</summary>
/// <param name="Writer">The chain's writer; the nil uuid if a whole chain is missing.</param>
/// <param name="Sequence">The row's number. For a missing chain, the writer's number; 0: the list of chains cannot be read, or a table is not a plain table.</param>
public sealed record AuditPlace(Guid Writer, long Sequence);
