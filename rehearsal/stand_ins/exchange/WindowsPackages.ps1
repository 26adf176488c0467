# Installers and their signatures in the Windows stand-in; a part of WindowsStandIn.psm1. The file of a package is a
# JSON object: signer, status (of the signature), arguments (what makes it silent), needs (one of these features),
# registry (key -> name -> value that it writes), looks (after how many looks at the key it is there), marks (of a
# pending restart), exitCode.

# Returns the object in a file that stands in for a signed one: a package, or setup with media.json beside it.
function Read-SignedFile {
    [CmdletBinding()]
    param([string] $Path)
    $beside = Join-Path (Split-Path -Parent $Path) 'media.json'
    $isSetup = (Split-Path -Leaf $Path) -eq 'Setup.exe' -and (Test-Path -LiteralPath $beside)
    $text = [System.IO.File]::ReadAllText((Resolve-File $(if ($isSetup) { $beside } else { $Path })))
    try { ConvertFrom-Json -InputObject $text -AsHashtable } catch { @{ status = 'UnknownError' } }
}

function Get-AuthenticodeSignature {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [string] $LiteralPath
    )
    $file = Read-SignedFile $LiteralPath
    $status = if ($file['status']) { $file.status } else { 'Valid' }
    $signer = if ($file.ContainsKey('signer')) { $file.signer } else { 'Microsoft Corporation' }
    $certificate = if ($signer -and $status -notin 'NotSigned', 'UnknownError') {
        [pscustomobject]@{ Subject = "CN=$signer, O=$signer, L=Redmond, S=Washington, C=US" }
    }
    [pscustomobject]@{ Path = $LiteralPath; Status = $status; SignerCertificate = $certificate }
}

# On Linux there is nothing to unblock.
function Unblock-File {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [string] $LiteralPath
    )
    if (-not (Test-Path -LiteralPath $LiteralPath)) {
        $PSCmdlet.WriteError((New-Error "Cannot find path '$LiteralPath' because it does not exist."))
    }
}

function Start-Process {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [string] $FilePath,

        [string[]] $ArgumentList = @(),

        [switch] $Wait,

        [switch] $PassThru
    )
    $file, $arguments = $FilePath, ($ArgumentList -join ' ')
    if ($FilePath -eq 'msiexec.exe') {
        if ($arguments -notmatch '\A/i "([^"]+)" (.*)\z') { throw 'msiexec.exe shows its help and waits.' }
        $file, $arguments = $Matches[1, 2]
    }
    if (Test-Path -LiteralPath (Join-Path (Split-Path -Parent $file) 'media.json')) {
        $process = Start-SetupProgram (Resolve-File $file) $ArgumentList
        if ($Wait) { $process.WaitForExit() }
    } else {
        $process = [pscustomobject]@{ ExitCode = (Install-StandInPackage (Read-SignedFile $file) $arguments) }
    }
    if ($PassThru) { $process }
}

# Returns the exit code.
function Install-StandInPackage {
    [CmdletBinding()]
    param(
        $Package,
        [string] $Arguments
    )
    if ($Arguments -ne $Package.arguments) { throw "The installer shows a dialog and waits: $Arguments" }
    $state = Read-Windows
    $needs = @($Package['needs'] | Where-Object { $_ })
    if ($needs.Count -gt 0 -and -not @($needs | Where-Object { $state.features[$_] })) { return 1603 }
    Wait-Hold 'Start-Process'
    if ($Package['exitCode'] -notin $null, 0, 3010, 1641) { return $Package.exitCode }
    Edit-Windows {
        param($State)
        foreach ($key in $Package['registry'].Keys) {
            $values = $Package.registry[$key]
            if ($Package['looks']) { $State.arriving[$key] = @{ looks = $Package.looks; values = $values } }
            else { $State.registry[$key] = $values }
        }
        $State.pendingMarks = @($State.pendingMarks) + @($Package['marks'] | Where-Object { $_ })
    }
    [int] $Package['exitCode']
}
